using System.Text.Json;
using DenoiseService.Model;
using DenoiseService.Training.Experiments;

namespace DenoiseService.Training.Tests.Experiments;

public sealed class ScalingTests : IDisposable
{
    private static readonly ScalingSettings Settings = new() { Sides = [16, 24, 32], Repeats = 2, CellSeconds = 5, Threads = 1, Model = new ModelConfig { Width = 16, Heads = 2, Blocks = 1, FeedForwardWidth = 32, RouterWidth = 8, KeysKept = [4, 8, 12] } };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_finished_run_measures_every_form_at_every_side()
    {
        ScalingResult result = Run(Settings);
        Assert.True(result.Record.Finished);
        Assert.Equal(15, result.Rows.Count);
        Assert.All(result.Rows, r => Assert.True(r.Seconds > 0 && r.Passes == 2 && r.NotRun is null, r.Label));
        foreach (string file in (string[])["report.md", "results.json", "results.csv", "scaling.png", "scaling.svg", "cells/16-full-fused.json"]) Assert.True(File.Exists(_folder.File(file)), file);
        string report = File.ReadAllText(_folder.File("report.md"));
        Assert.DoesNotContain("Unfinished", report, StringComparison.Ordinal);
        Assert.Contains(result.ClaimHoldsFor, report, StringComparison.Ordinal);
        Assert.Equal(16, File.ReadAllLines(_folder.File("results.csv")).Length);
        JsonDocument.Parse(File.ReadAllText(_folder.File("results.json"))).Dispose();
    }

    [Fact]
    public void The_reports_formula_gives_its_own_numbers_and_break_even()
    {
        ScalingResult result = Run(new ScalingSettings { Sides = [32, 64], Repeats = 1, CellSeconds = 0.001, MemoryLimitGiB = 1e-6 }); // nothing is run
        ScalingRow Row(int side, string form) => result.Rows.Single(r => r.Side == side && r.Form == form);
        Assert.Equal(1.05, Row(32, "full-fused").ReportFlops / 1e6, 0.005);
        Assert.Equal(1.22, Row(32, "sparse-fast").ReportFlops / 1e6, 0.005);
        Assert.Equal(16.8, Row(64, "full-fused").ReportFlops / 1e6, 0.05);
        Assert.Equal(4.89, Row(64, "sparse-fast").ReportFlops / 1e6, 0.01);
        Assert.Equal(34.56, result.ReportBreakEven, 0.01);
        BreakEven fitted = result.BreakEvens.Single(b => b.Measure == "FLOPs, report's formula" && b.Full == "full attention");
        Assert.Equal(34.56, fitted.Side!.Value, 0.01); // both are power laws, so that the line between two sides is exact
        BreakEven honest = result.BreakEvens.Single(b => b.Measure == "FLOPs, honest" && b.Full == "full attention");
        Assert.Null(honest.Side);
        Assert.Equal("none up to 64", honest.Text);
        Assert.Contains("holds for FLOPs by the report's formula only", result.ClaimHoldsFor, StringComparison.Ordinal);
        Assert.Equal(1, result.Growth.Single(g => g.Label.Contains("fast", StringComparison.Ordinal)).ReportFlops, 1e-9);
        Assert.Equal(2, result.Growth[0].ReportFlops, 1e-9);
    }

    [Fact]
    public void What_needs_more_memory_than_there_is_is_not_run_and_says_so()
    {
        ScalingSettings capped = Settings with { Sides = [16, 64], MemoryLimitGiB = 0.0009 };
        ScalingResult result = Run(capped);
        ScalingRow stored = result.Rows.Single(r => r.Side == 64 && r.Form == "full-explicit"), fused = result.Rows.Single(r => r.Side == 64 && r.Form == "full-fused");
        Assert.Matches(@"^not run: needs about 0\.\d+ GiB, 0\.001 available$", stored.NotRun);
        Assert.True(double.IsNaN(stored.Seconds));
        Assert.True(fused.Seconds > 0, fused.NotRun);
        Assert.True(result.Record.Finished);
        Assert.Contains("not run: needs about", File.ReadAllText(_folder.File("report.md")), StringComparison.Ordinal);
        Assert.True(Run(capped with { MemoryLimitGiB = null }).Rows.All(r => r.Seconds > 0)); // when there is more, it is run
    }

    [Fact]
    public void A_cancelled_run_says_that_it_is_unfinished_and_goes_on_without_measuring_again()
    {
        using (var stop = new CancellationTokenSource())
        {
            var stopper = new Immediate(p =>
            {
                if (p.Stage.StartsWith("24 px", StringComparison.Ordinal)) stop.Cancel();
            });
            Assert.Throws<OperationCanceledException>(() => new Scaling(Settings, new ExperimentFolder(_folder.Path), TimeProvider.System, stopper).Run(stop.Token));
        }

        string report = File.ReadAllText(_folder.File("report.md"));
        Assert.Contains("**Unfinished", report, StringComparison.Ordinal);
        Assert.Contains("not reached", report, StringComparison.Ordinal);
        byte[] cell = File.ReadAllBytes(_folder.File("cells/16-sparse-direct.json"));
        var stages = new List<string>();
        ScalingResult result = Run(Settings, new Immediate(p => stages.Add(p.Stage)));
        Assert.Equal(cell, File.ReadAllBytes(_folder.File("cells/16-sparse-direct.json")));
        Assert.Equal(5, stages.Count(s => s.Contains("measured earlier", StringComparison.Ordinal)));
        Assert.True(result.Rows.All(r => r.Seconds > 0 && r.NotRun is null));
        Assert.DoesNotContain("Unfinished", File.ReadAllText(_folder.File("report.md")), StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_of_another_network_is_refused()
    {
        Run(Settings with { Sides = [16] });
        Assert.Throws<RecipeException>(() => Run(Settings with { Sides = [16], Seed = 2 }));
    }

    [Fact]
    public void A_damaged_cell_is_refused_by_name()
    {
        Directory.CreateDirectory(_folder.File("cells"));
        File.WriteAllText(_folder.File("cells/16-full-fused.json"), "{");
        RecipeException refused = Assert.Throws<RecipeException>(() => Run(Settings with { Sides = [16] }));
        Assert.Contains("16-full-fused.json in the output folder cannot be read", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(30)]
    [InlineData(2048)]
    public void A_side_that_no_network_can_have_is_refused(int side) =>
        Assert.Equal("Sides", Assert.Throws<RecipeException>(() => new Scaling(Settings with { Sides = [side] }, new ExperimentFolder(_folder.Path), TimeProvider.System)).Field);

    private ScalingResult Run(ScalingSettings settings, IProgress<ExperimentProgress>? progress = null) => new Scaling(settings, new ExperimentFolder(_folder.Path), TimeProvider.System, progress).Run();

    private sealed class Immediate(Action<ExperimentProgress> report) : IProgress<ExperimentProgress>
    {
        public void Report(ExperimentProgress value) => report(value);
    }
}
