using System.Text.Json;
using DenoiseService.Model;
using DenoiseService.Training.Experiments;

namespace DenoiseService.Training.Tests.Experiments;

public sealed class ReproductionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ReproductionSettings _settings;

    public ReproductionTests() => _settings = new ReproductionSettings
    {
        Data = ExperimentData.Of(SmallArchive.Write(_folder)), Seeds = [1, 2], MainSamples = 32, Permutations = 19, Workers = 2,
        MainRecipe = SmallArchive.Recipe, AblationRecipe = SmallArchive.Recipe, RobustnessRecipe = SmallArchive.Recipe, Scaling = new ScalingSettings { Sides = [16, 32], Repeats = 1, Model = SmallArchive.Recipe.Model },
    };

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void It_runs_everything_and_judges_every_claim()
    {
        ReproductionResult result = Run();

        Assert.Equal(6, result.Claims.Count);
        Assert.All(result.Claims, c => Assert.NotEqual(Verdict.NotTested, c.Verdict));
        Assert.Equal(Verdict.NotReproduced, result.Claims[0].Verdict); // four steps make no 25 dB
        Assert.Equal(7, result.Main!.Count);
        string page = File.ReadAllText(_folder.File("out/report.md"));
        Assert.DoesNotContain("Unfinished", page, StringComparison.Ordinal);
        foreach (string experiment in (string[])["ablation", "robustness", "routing", "scaling"]) Assert.True(File.Exists(_folder.File($"out/{experiment}/report.md")), experiment);
        // Every figure that the page shows is there.
        string[] figures = page.Split('\n').Where(l => l.StartsWith("![", StringComparison.Ordinal)).Select(l => l[(l.IndexOf('(', StringComparison.Ordinal) + 1)..^1]).ToArray();
        Assert.Equal(6, figures.Length);
        Assert.All(figures, f => Assert.True(File.Exists(_folder.File($"out/{f}")), f));

        // Other settings are refused and leave the finished page alone.
        Assert.Throws<RecipeException>(() => new Reproduction(_settings with { MainRecipe = _settings.MainRecipe with { BatchSize = 4 } }, new ExperimentFolder(_folder.File("out")), TimeProvider.System).Run());
        Assert.Equal(page, File.ReadAllText(_folder.File("out/report.md")));
    }

    [Fact]
    public void A_cancelled_reproduction_says_so_and_claims_nothing_that_it_did_not_test()
    {
        using var cancellation = new CancellationTokenSource();
        var progress = new Progress<ExperimentProgress>(p =>
        {
            if (p.Fraction > 0.5) cancellation.Cancel();
        });
        Assert.Throws<OperationCanceledException>(() => new Reproduction(_settings, new ExperimentFolder(_folder.File("out")), TimeProvider.System, progress).Run(cancellation.Token));
        string page = File.ReadAllText(_folder.File("out/report.md"));
        Assert.Contains("**Unfinished", page, StringComparison.Ordinal);
        Assert.Equal(6, page.Split("not testable here").Length - 1);
        Assert.DoesNotContain("Unfinished", Page(Run()), StringComparison.Ordinal);

        string Page(ReproductionResult result) => result.Record.Finished ? File.ReadAllText(_folder.File("out/report.md")) : "Unfinished";
    }

    [Fact]
    public void Its_hours_hold_the_main_models_training()
    {
        var time = new SteppedTime();
        using var cancellation = new CancellationTokenSource();
        // The main model comes first, a quarter of an hour for each of its four steps; nothing after it is looked at.
        var progress = new Progress<ExperimentProgress>(p =>
        {
            if (p.Stage.StartsWith("main: step ", StringComparison.Ordinal)) time.Advance(TimeSpan.FromMinutes(15));
            else cancellation.Cancel();
        });
        Assert.Throws<OperationCanceledException>(() => new Reproduction(_settings with { Workers = 1 }, new ExperimentFolder(_folder.File("out")), time, progress).Run(cancellation.Token));
        JsonElement results = JsonDocument.Parse(File.ReadAllBytes(_folder.File("out/results.json"))).RootElement;
        Assert.Equal(1, results.GetProperty("record").GetProperty("hours").GetDouble());
    }

    [Fact]
    public void A_main_checkpoint_that_cannot_serve_is_refused_before_anything_is_trained()
    {
        using (var network = new SmallViT(SmallArchive.Recipe.Model with { Routing = RoutingKind.Uniform })) Checkpoint.Save(_folder.File("uniform.safetensors"), network);
        Assert.Throws<RecipeException>(() => Run("uniform.safetensors"));
        Assert.Throws<CheckpointException>(() => Run("missing.safetensors"));
        Assert.False(Directory.Exists(_folder.File("early/ablation")));

        void Run(string checkpoint) => new Reproduction(_settings with { MainCheckpoint = _folder.File(checkpoint) }, new ExperimentFolder(_folder.File("early")), TimeProvider.System).Run();
    }

    private ReproductionResult Run() => new Reproduction(_settings, new ExperimentFolder(_folder.File("out")), TimeProvider.System).Run();
}
