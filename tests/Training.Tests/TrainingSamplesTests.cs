using DenoiseService.Imaging;
using DenoiseService.Model;
using DenoiseService.Training.Data;

namespace DenoiseService.Training.Tests;

public sealed class TrainingSamplesTests : IDisposable
{
    private static readonly DecodeLimits Limits = new(1 << 20, 10, 1, 10_000);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Every_look_is_a_sheet_and_says_how_far_the_routing_moved_since_the_one_before()
    {
        TrainingSample[] looks = Looks("run");
        Assert.Equal(["samples/step-00000004.png", "samples/step-00000008.png", "samples/step-00000012.png"], looks.Select(l => l.File));
        Assert.Empty(looks[0].Moves);
        Assert.All(looks[1..], l => Assert.Equal([1, 2], l.Moves.Select(m => m.Block)));
        Assert.All(looks[1..].SelectMany(l => l.Moves), m => Assert.True(m.MeanChange is > 0 and < 1 && m.MovedShare is >= 0 and <= 1, m.ToString()));
    }

    [Fact]
    public void A_sheet_shows_noisy_restored_and_clean_images_and_the_experts_of_every_block()
    {
        TrainingSample look = Looks("run")[^1];
        Picture sheet = ImageCodec.Decode(File.ReadAllBytes(_folder.File($"run/{look.File}")), Limits);
        Assert.Equal((4 * (96 + 4) + 4, 5 * (96 + 4) + 4), (sheet.Height, sheet.Width));
        PatchSet clean = Small.Patches(8, 16, 2);
        float[] first = clean.Image(0);
        for (int y = 0; y < 16; y++)
        {
            for (int x = 0; x < 16; x++) Assert.Equal(first[y * 16 + x], At(0, y, x, column: 2), 1e-3);
        }

        Assert.NotEqual(Enumerable.Range(0, 16).Select(x => At(0, 3, x, 0)), Enumerable.Range(0, 16).Select(x => At(0, 3, x, 2)));
        // Three experts: black, grey, white; one value for a patch of 4 × 4.
        for (int y = 0; y < 16; y++)
        {
            for (int x = 0; x < 16; x++)
            {
                float value = At(0, y, x, column: 4);
                Assert.Contains(value, new[] { 0, 128 / 255f, 1 });
                Assert.Equal(At(0, y / 4 * 4, x / 4 * 4, 4), value);
            }
        }

        float At(int channel, int y, int x, int column) => sheet.Samples[(channel * sheet.Height + 4 + y * 6 + 3) * sheet.Width + 4 + column * 100 + x * 6 + 3];
    }

    [Fact]
    public void A_run_that_is_resumed_shows_what_the_uninterrupted_one_shows()
    {
        TrainingSample[] whole = Looks("whole");
        using (var stop = new CancellationTokenSource())
        {
            var stopper = new Immediate<TrainingProgress>(p =>
            {
                if (p.Step == 6) stop.Cancel();
            });
            Assert.Throws<OperationCanceledException>(() => Run("parts", stopper).Run(stop.Token));
        }

        Assert.Equal(whole[1..].Select(l => (l.File, string.Join(';', l.Moves))), Looks("parts").Select(l => (l.File, string.Join(';', l.Moves))));
        Assert.All(whole, l => Assert.Equal(File.ReadAllBytes(_folder.File($"whole/{l.File}")), File.ReadAllBytes(_folder.File($"parts/{l.File}"))));
    }

    [Fact]
    public void However_many_validations_a_run_has_there_are_at_most_51_looks()
    {
        var looks = new List<TrainingSample>();
        Run("many", new Immediate<TrainingProgress>(p => looks.AddRange(p.Sample is { } look ? [look] : [])), Small.Recipe with { Steps = 120, ValidateEvery = 1 }).Run();
        Assert.InRange(looks.Count, 40, 51);
        Assert.Equal("samples/step-00000120.png", looks[^1].File);
    }

    [Fact]
    public void A_run_that_makes_no_samples_trains_the_same()
    {
        string with = Run("with").Run(), without = new TrainingRun(Small.Recipe, Small.Data(64), Small.Data(8, seed: 2), _folder.File("without"), TimeProvider.System) { WithSamples = false }.Run();
        Assert.Equal(File.ReadAllBytes(with), File.ReadAllBytes(without));
        Assert.False(Directory.Exists(_folder.File("without/samples")));
    }

    [Fact]
    public void A_network_without_routing_is_shown_without_maps()
    {
        Recipe recipe = Small.Recipe with { Model = Small.Model with { Attention = AttentionKind.Standard, KeysKept = [16] } };
        TrainingSample? last = null;
        Run("plain", new Immediate<TrainingProgress>(p => last = p.Sample ?? last), recipe).Run();
        Assert.Equal(3 * (96 + 4) + 4, ImageCodec.Decode(File.ReadAllBytes(_folder.File($"plain/{last!.File}")), Limits).Width);
    }

    private TrainingSample[] Looks(string name)
    {
        var looks = new List<TrainingSample>();
        Run(name, new Immediate<TrainingProgress>(p => looks.AddRange(p.Sample is { } look ? [look] : []))).Run();
        return [.. looks];
    }

    private TrainingRun Run(string name, IProgress<TrainingProgress>? progress = null, Recipe? recipe = null) => new(recipe ?? Small.Recipe, Small.Data(64), Small.Data(8, seed: 2), _folder.File(name), TimeProvider.System, progress);
}
