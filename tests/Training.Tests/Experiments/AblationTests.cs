using System.Text.Json;
using DenoiseService.Model;
using DenoiseService.Training.Experiments;

namespace DenoiseService.Training.Tests.Experiments;

public sealed class AblationTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly AblationSettings _settings;

    public AblationTests() => _settings = new AblationSettings { Data = ExperimentData.Of(SmallArchive.Write(_folder)), Recipe = SmallArchive.Recipe, Seeds = [1, 2], Variants = ["standard", "adaptive", "random"], Workers = 2 };

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void It_compares_every_variant_over_every_seed_and_writes_the_report()
    {
        AblationResult result = Run("out");

        Assert.Equal(["standard", "adaptive", "random"], result.Rows.Select(r => r.Name));
        Assert.All(result.Rows, r => Assert.Equal([1, 2], r.Runs.Select(run => run.Seed)));
        Assert.All(result.Rows, r => Assert.True(r.Cost is { SingleMs: > 0, BatchedMs: > 0 } && r.PsnrSeedSd > 0));
        Assert.Equal(result.Rows[0].Runs.Average(r => r.Rows[0].Psnr.Mean), result.Rows[0].Psnr.Mean, 9);
        string report = File.ReadAllText(_folder.File("out/report.md"));
        Assert.DoesNotContain("Unfinished", report, StringComparison.Ordinal);
        Assert.Contains("random routing by position", report, StringComparison.Ordinal);
        Assert.Contains(result.Record.DataSha256![..12], report, StringComparison.Ordinal);
        Assert.DoesNotContain(_folder.Path, report, StringComparison.Ordinal);
        Assert.Equal(4, File.ReadAllLines(_folder.File("out/results.csv")).Length);
        JsonElement json = JsonDocument.Parse(File.ReadAllBytes(_folder.File("out/results.json"))).RootElement;
        Assert.True(json.GetProperty("record").GetProperty("finished").GetBoolean());
    }

    [Fact]
    public void A_cancelled_ablation_says_that_it_is_unfinished_and_goes_on_to_the_same_numbers()
    {
        using var cancellation = new CancellationTokenSource();
        // Cancelled in the middle of a training, when others are finished.
        var progress = new Progress<ExperimentProgress>(p =>
        {
            if (p.Fraction > 0.7) cancellation.Cancel();
        });
        Assert.Throws<OperationCanceledException>(() => new Ablation(_settings with { Workers = 1 }, new ExperimentFolder(_folder.File("cut")), TimeProvider.System, progress).Run(cancellation.Token));
        string[] first = File.ReadAllLines(_folder.File("cut/report.md"));
        Assert.Contains(first, l => l.StartsWith("**Unfinished", StringComparison.Ordinal));
        Assert.Contains("\"finished\": false", File.ReadAllText(_folder.File("cut/results.json")), StringComparison.Ordinal);

        AblationResult resumed = Run("cut"), whole = Run("whole");
        Assert.Equal(whole.Rows.Select(r => r.Psnr), resumed.Rows.Select(r => r.Psnr));
        Assert.DoesNotContain("Unfinished", File.ReadAllText(_folder.File("cut/report.md")), StringComparison.Ordinal);
    }

    [Fact]
    public void Its_hours_are_of_all_sessions()
    {
        var time = new SteppedTime();
        string file = _folder.File("out/runs/standard-seed1/seconds.txt"), kept = "";
        using var cancellation = new CancellationTokenSource();
        // A step takes a quarter of an hour; the first session ends after the second of four, which is validated.
        var progress = new Progress<ExperimentProgress>(p =>
        {
            if (!p.Stage.Contains(": step ", StringComparison.Ordinal)) return;
            time.Advance(TimeSpan.FromMinutes(15));
            if (!p.Stage.EndsWith(": step 2/4", StringComparison.Ordinal)) return;
            kept = File.ReadAllText(file);
            cancellation.Cancel();
        });
        Assert.Throws<OperationCanceledException>(() => Session(cancellation.Token));
        Assert.Equal(("900.0", "1800.0"), (kept, File.ReadAllText(file)));

        AblationResult resumed = Session(CancellationToken.None);
        Assert.Equal((1.0, 3600.0), (resumed.Record.Hours, resumed.Rows.Single().Runs.Single().TrainingSeconds));
        File.Delete(file); // as in a folder from before it was kept
        Assert.Equal(1, Session(CancellationToken.None).Record.Hours);

        AblationResult Session(CancellationToken cancellationToken) =>
            new Ablation(_settings with { Variants = ["standard"], Seeds = [1], Workers = 1 }, new ExperimentFolder(_folder.File("out")), time, progress).Run(cancellationToken);
    }

    [Fact]
    public void A_diverging_training_ends_the_ablation_without_a_report() // there is nothing to report yet
    {
        AblationSettings diverging = _settings with { Recipe = _settings.Recipe with { LearningRate = 10, Steps = 400 } };
        Assert.Throws<TrainingDivergedException>(() => new Ablation(diverging, new ExperimentFolder(_folder.File("bad")), TimeProvider.System).Run());
        Assert.False(File.Exists(_folder.File("bad/report.md")));
    }

    [Fact]
    public void An_ablation_that_fails_half_way_reports_that_it_is_unfinished()
    {
        var progress = new Progress<ExperimentProgress>(p =>
        {
            if (p.Fraction > 0.5) throw new IOException("The disk is full.");
        });
        IOException failure = Assert.Throws<IOException>(() => new Ablation(_settings with { Workers = 1 }, new ExperimentFolder(_folder.File("bad")), TimeProvider.System, progress).Run());
        Assert.Equal("The disk is full.", failure.Message);
        Assert.Contains("**Unfinished", File.ReadAllText(_folder.File("bad/report.md")), StringComparison.Ordinal);
    }

    [Fact]
    public void Results_of_other_images_are_refused()
    {
        Run("out");
        string archive = Path.Combine(_settings.Data.Path, "data_batch_1.bin");
        byte[] records = File.ReadAllBytes(archive);
        records[^1] ^= 1;
        File.WriteAllBytes(archive, records);
        Assert.Contains("other data", Assert.Throws<RecipeException>(() => Run("out")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Numbers_do_not_depend_on_how_many_train_side_by_side() =>
        Assert.Equal(
            new Ablation(_settings with { Workers = 1 }, new ExperimentFolder(_folder.File("one")), TimeProvider.System).Run().Rows.Select(r => r.Psnr),
            new Ablation(_settings with { Workers = 3 }, new ExperimentFolder(_folder.File("three")), TimeProvider.System).Run().Rows.Select(r => r.Psnr));

    [Fact]
    public void A_folder_with_other_work_is_refused()
    {
        Run("out");
        RecipeException refused = Assert.Throws<RecipeException>(() => new Ablation(_settings with { Sigmas = [0.1] }, new ExperimentFolder(_folder.File("out")), TimeProvider.System).Run());
        Assert.Contains("Give another folder", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_variant_is_refused_by_name()
    {
        RecipeException refused = Assert.Throws<RecipeException>(() => new Ablation(_settings with { Variants = ["cleverer"] }, new ExperimentFolder(_folder.File("out")), TimeProvider.System).Run());
        Assert.Contains("'cleverer'", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_variants_of_the_report_have_its_parameter_counts()
    {
        var variants = AblationVariant.All.ToDictionary(v => v.Name, v => v.Model.Parameters);
        Assert.Equal((285_571, 582_787, 599_689), (variants["standard"], variants["non-adaptive"], variants["adaptive"]));
        Assert.InRange(variants["wide-standard"], 599_689 * 0.999, 599_689 * 1.001);
        Assert.Equal(AblationVariant.All.Count, AblationVariant.All.Select(v => v.Name).Distinct().Count());
        foreach (AblationVariant variant in AblationVariant.All)
        {
            using var network = new SmallViT(variant.Model);
            Assert.Equal(network.parameters().Sum(p => p.numel()), variant.Model.Parameters);
        }
    }

    private AblationResult Run(string folder) => new Ablation(_settings, new ExperimentFolder(_folder.File(folder)), TimeProvider.System).Run();
}
