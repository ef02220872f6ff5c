using System.Text.Json;
using DenoiseService.Imaging;
using DenoiseService.Model;
using DenoiseService.Training.Data;
using DenoiseService.Training.Experiments;

namespace DenoiseService.Training.Tests.Experiments;

public sealed class RoutingStudyTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public RoutingStudyTests()
    {
        Save(Small.Model);
        Directory.CreateDirectory(_folder.File("cifar"));
        byte[] records = [.. Enumerable.Range(0, 130).SelectMany(i => new byte[] { 0 }.Concat(Small.Patches(1, 32, i + 1).Image(0).Select(v => (byte)MathF.Round(v * 255))))];
        File.WriteAllBytes(_folder.File("cifar/data_batch_1.bin"), records);
    }

    private RoutingStudySettings Settings => new() { Checkpoint = _folder.File("model.safetensors"), Data = [_folder.File("cifar")], Permutations = 49, Shown = 2 };

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_small_study_of_cifar_images_writes_every_number_and_map()
    {
        RoutingStudyResult result = Run(Settings with { Range = new IndexRange(10, 21) });
        Assert.True(result.Record.Finished);
        Assert.Equal(12, result.Images);
        Assert.Null(result.NotCompared);
        Assert.Equal([10, 11], result.Shown.Select(s => s.Index));
        foreach (BlockSummary block in result.Blocks)
        {
            Assert.Equal(100, block.Experts.Sum(e => e.Load.Mean), 1e-3);
            Assert.Equal(100, block.Experts.Sum(e => e.Chosen.Mean), 1e-9);
            Assert.InRange(block.Entropy.Mean, 0, 1);
            Assert.All(block.Experts, e => Assert.InRange(e.Edges.Mean, -1, 1));
            Assert.True(block.Between is { BetweenImages: > 0, BetweenDraws: > 0, P: > 0 and <= 1 });
        }

        string report = File.ReadAllText(_folder.File("out/report.md"));
        Assert.DoesNotContain("Unfinished", report, StringComparison.Ordinal);
        foreach (string part in new[] { "34.5 ± 4.7", "−0.465 ± 0.139", "## Spatial coherence", "## Difference between images", "CIFAR-10 records 10-21" }) Assert.Contains(part, report, StringComparison.Ordinal);
        Assert.DoesNotContain(_folder.Path, report, StringComparison.Ordinal);
        JsonElement shown = JsonDocument.Parse(File.ReadAllBytes(_folder.File("out/results.json"))).RootElement.GetProperty("results").GetProperty("shown")[0];
        Assert.Equal(64, shown.GetProperty("blocks")[0].GetProperty("probabilities")[2].GetArrayLength());
        Assert.Equal(12 * 2 * 3 + 1, File.ReadAllLines(_folder.File("out/images.csv")).Length);
        Picture map = PhotographFolder.Read(_folder.File("out/maps/0010-block2-expert3.png"));
        Assert.Equal((32, 32, 1), (map.Height, map.Width, map.Channels));
        Assert.Equal(shown.GetProperty("blocks")[1].GetProperty("probabilities")[2][63].GetSingle(), map.Samples[^1], 1f / 255);
        Assert.All(result.Blocks, b => Assert.Equal(7 * result.Shown.Count, RoutingFigures.Maps(result, b).Cells.Count));
        Assert.All((string[])["routing-block1", "routing-block2", "routing-summary"], name => Assert.True(File.Exists(_folder.File($"out/{name}.png")) && File.Exists(_folder.File($"out/{name}.svg"))));
    }

    [Fact]
    public void The_same_seed_finds_the_same_with_any_number_of_threads()
    {
        RoutingStudySettings settings = Settings with { Range = new IndexRange(0, 69) };
        Assert.Equal(Numbers(Run(settings with { Threads = 1 })), Numbers(Run(settings with { Threads = 4 })));
        Assert.NotEqual(Numbers(Run(settings)), Numbers(Run(settings with { Seed = 2 })));

        static string Numbers(RoutingStudyResult result) => JsonSerializer.Serialize(result.Blocks.Select(b => b.Coherence), ExperimentFolder.Json);
    }

    [Fact]
    public void Pictures_of_any_size_are_studied_without_what_needs_one_size()
    {
        WritePicture("a.png", 3, 33, 46);
        WritePicture("b.png", 1, 17, 20);
        RoutingStudyResult result = Run(Settings with { Shown = 3, Data = [_folder.File("pictures"), _folder.File("pictures/a.png")] });
        Assert.Equal([(8, 11), (4, 5), (8, 11)], result.Shown.Select(s => (s.Rows, s.Columns)));
        Assert.All(result.Blocks, b => Assert.Null(b.Between));
        Assert.Contains("left out, because the images differ in size", File.ReadAllText(_folder.File("out/report.md")), StringComparison.Ordinal);
        Picture map = PhotographFolder.Read(_folder.File("out/maps/0000-block1-chosen.png"));
        Assert.Equal((32, 44), (map.Height, map.Width));
        Assert.DoesNotContain(_folder.Path, File.ReadAllText(_folder.File("out/report.md")), StringComparison.Ordinal);
    }

    [Fact]
    public void It_reports_one_stage_however_many_pictures_there_are()
    {
        WritePicture("a.png", 3, 33, 46);
        WritePicture("b.png", 1, 17, 20);
        var stages = new List<string>();
        RoutingStudySettings settings = Settings with { Data = [_folder.File("pictures")] };
        new RoutingStudy(settings, new ExperimentFolder(_folder.File("out")), TimeProvider.System, new Immediate<ExperimentProgress>(p => stages.Add(p.Stage))).Run();
        Assert.Equal(["images: 1 of 2", "images: 2 of 2"], stages); // a job logs what stands before the colon, once
    }

    [Fact]
    public void Clean_images_have_no_second_draw_to_compare_with()
    {
        RoutingStudyResult result = Run(Settings with { Clean = true, Range = new IndexRange(0, 4) });
        Assert.All(result.Blocks, b => Assert.True(double.IsNaN(b.Between!.BetweenDraws) && b.Between.BetweenImages > 0));
        Assert.All(result.Blocks.SelectMany(b => b.Experts), e => Assert.Equal(e.Edges, e.NoisyEdges));
    }

    [Theory]
    [InlineData(AttentionKind.Standard, RoutingKind.Learned, 3, "Standard")]
    [InlineData(AttentionKind.NonAdaptiveSparse, RoutingKind.Learned, 3, "NonAdaptiveSparse")]
    [InlineData(AttentionKind.AdaptiveMixture, RoutingKind.Uniform, 3, "Uniform")]
    [InlineData(AttentionKind.AdaptiveMixture, RoutingKind.Learned, 1, "one expert")]
    public void A_network_whose_router_does_not_choose_is_refused(AttentionKind attention, RoutingKind routing, int experts, string why)
    {
        Save(Small.Model with { Attention = attention, Routing = routing, KeysKept = [.. Small.Model.KeysKept.Take(experts)] });
        RecipeException refused = Assert.Throws<RecipeException>(() => Run(Settings));
        Assert.Contains(why, refused.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder.File("out")));
    }

    [Theory]
    [InlineData(0, "**Unfinished", "the first 0 of 130")]
    [InlineData(1, "**Unfinished", "the first 64 of 130")]
    public void A_cancelled_study_says_that_it_is_unfinished(int groups, string mark, string seen)
    {
        using var cancelled = new CancellationTokenSource();
        if (groups == 0) cancelled.Cancel();
        var study = new RoutingStudy(Settings, new ExperimentFolder(_folder.File("out")), TimeProvider.System, new CancelAtOnce(cancelled));
        Assert.ThrowsAny<OperationCanceledException>(() => study.Run(cancelled.Token));
        string report = File.ReadAllText(_folder.File("out/report.md"));
        Assert.Contains(mark, report, StringComparison.Ordinal);
        Assert.Contains(seen, report, StringComparison.Ordinal);
        Assert.False(JsonDocument.Parse(File.ReadAllBytes(_folder.File("out/results.json"))).RootElement.GetProperty("record").GetProperty("finished").GetBoolean());
    }

    [Fact]
    public void A_picture_of_less_than_two_patches_a_side_is_refused_by_name()
    {
        WritePicture("thin.png", 3, 7, 40);
        Assert.Contains("thin", Assert.Throws<DataSetException>(() => Run(Settings with { Data = [_folder.File("pictures")] })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_expert_that_follows_the_edges_correlates_with_them_and_one_that_flees_them_does_so_negatively()
    {
        // A step in the left half: its patches have edges, the others have none.
        var step = new float[16 * 16];
        for (int i = 0; i < step.Length; i++) step[i] = i % 16 is 2 or 3 or 4 or 5 ? 1 : 0.2f;
        var image = new RoutingImage(0, "step", step, 16, 16);
        PatchContent content = PatchContent.Of(image, step, 4);
        Assert.True(content.Edges[0] > 0 && content.Edges[3] == 0);
        float[] probabilities = content.Edges.SelectMany(edge => new[] { 0.5f + (float)edge / 4, 0.5f - (float)edge / 4 }).ToArray();
        (BlockObservation seen, _) = BlockObservation.Of(new PatchRouting(4, 4, probabilities), content, 19, 1, CancellationToken.None);
        Assert.Equal(1, seen.EdgeCorrelation[0], 1e-5);
        Assert.Equal(-1, seen.EdgeCorrelation[1], 1e-5);
        Assert.Equal(100, seen.Load.Sum(), 1e-4);
        Assert.Equal(0.6, content.Brightness[0], 1e-5); // two bright columns of four
    }

    [Fact]
    public void The_entropy_is_0_when_decided_and_1_when_undecided()
    {
        Assert.Equal(0, new PatchRouting(1, 2, [1, 0, 0, 0, 1, 0]).Entropy(), 1e-9);
        Assert.Equal(1, new PatchRouting(1, 1, [0.25f, 0.25f, 0.25f, 0.25f]).Entropy(), 1e-6);
    }

    private sealed class CancelAtOnce(CancellationTokenSource source) : IProgress<ExperimentProgress>
    {
        public void Report(ExperimentProgress value) => source.Cancel();
    }

    private RoutingStudyResult Run(RoutingStudySettings settings) => new RoutingStudy(settings, new ExperimentFolder(_folder.File("out")), TimeProvider.System).Run();

    private void Save(ModelConfig config)
    {
        TorchSharp.torch.random.manual_seed(5);
        using var network = new SmallViT(config);
        Checkpoint.Save(_folder.File("model.safetensors"), network);
    }

    private void WritePicture(string name, int channels, int height, int width)
    {
        Directory.CreateDirectory(_folder.File("pictures"));
        var random = new Random(1);
        float[] samples = Enumerable.Range(0, channels * height * width).Select(_ => random.NextSingle()).ToArray();
        File.WriteAllBytes(_folder.File($"pictures/{name}"), ImageCodec.Encode(new Picture(samples, channels, height, width), ImageFormat.Png));
    }
}
