using DenoiseService.Training.Experiments;

namespace DenoiseService.Training.Tests.Experiments;

public sealed class ClaimsTests
{
    [Theory]
    [InlineData(25.2, Verdict.Reproduced)]
    [InlineData(24.5, Verdict.Partly)]
    [InlineData(26.2, Verdict.NotReproduced)]
    public void The_main_model_is_judged_by_its_distance_to_the_reports_number(double psnr, Verdict verdict) =>
        Assert.Equal(verdict, Claims.MainModel(Row(psnr), "after training").Verdict);

    [Theory]
    [InlineData(22.7, 19.7, 20.0, 20.0, Verdict.Reproduced)]
    [InlineData(22.7, 22.5, 22.5, 22.5, Verdict.Partly)] // learned routing helps, but by 0.2 dB, not by 3
    [InlineData(22.7, 19.7, 22.7, 20.0, Verdict.NotReproduced)] // no better than uniform mixing: the router is not what helps
    public void Learned_routing_must_beat_routing_that_is_not_learned(double adaptive, double nonAdaptive, double uniform, double random, Verdict verdict) =>
        Assert.Equal(verdict, Claims.Routing(Ablation(("adaptive", adaptive), ("non-adaptive", nonAdaptive), ("uniform", uniform), ("random", random))).Verdict);

    [Fact]
    public void A_difference_that_only_the_clamp_in_training_makes_is_not_reproduced()
    {
        (string, double)[] clamped = [("adaptive", 22.7), ("non-adaptive", 16.7), ("uniform", 22.5), ("random", 22.5)], free = [("adaptive-free", 22.7), ("non-adaptive-free", 22.5), ("uniform-free", 22.6), ("standard-free", 22.4), ("wide-standard-free", 22.4)];
        Assert.Equal(Verdict.Reproduced, Claims.Routing(Ablation(clamped)).Verdict);
        Claim both = Claims.Routing(Ablation([.. clamped, .. free]));
        Assert.Equal(Verdict.Partly, both.Verdict);
        Assert.Contains("Not clamped in training", both.Why, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(22.7, 20.0, 19.7, 15.1, Verdict.Reproduced)]
    [InlineData(22.7, 22.5, 19.7, 19.6, Verdict.Partly)]
    [InlineData(22.7, 22.7, 19.7, 15.1, Verdict.NotReproduced)] // no better than with all keys: sparsity is not what helps
    public void Sparsity_must_beat_the_same_network_with_all_keys(double adaptive, double allKeys, double nonAdaptive, double standard, Verdict verdict) =>
        Assert.Equal(verdict, Claims.Sparsity(Ablation(("adaptive", adaptive), ("all-keys", allKeys), ("non-adaptive", nonAdaptive), ("standard", standard))).Verdict);

    [Fact]
    public void What_was_not_run_is_not_judged()
    {
        Assert.Equal(Verdict.NotTested, Claims.Routing(null).Verdict);
        Assert.Equal(Verdict.NotTested, Claims.Routing(Ablation(("adaptive", 22))).Verdict);
        Assert.Equal(Verdict.NotTested, Claims.Scale(null).Verdict);
        Assert.Equal(Verdict.NotTested, Claims.Generalisation(null).Verdict);
        Assert.Equal(Verdict.NotTested, Claims.Adaptation(null).Verdict);
    }

    [Fact]
    public void One_seed_judges_no_difference()
    {
        AblationResult three = Ablation(("adaptive", 22.7), ("non-adaptive", 19.7), ("uniform", 20), ("random", 20), ("all-keys", 20), ("standard", 15));
        AblationResult one = three with { Rows = [.. three.Rows.Select(r => r with { Runs = [r.Runs[0]] })] };
        Assert.Equal([Verdict.Reproduced, Verdict.Reproduced], [Claims.Routing(three).Verdict, Claims.Sparsity(three).Verdict]);
        Assert.Equal([Verdict.NotTested, Verdict.NotTested], [Claims.Routing(one).Verdict, Claims.Sparsity(one).Verdict]);
        Assert.Contains("two or more", Claims.Routing(one).Why, StringComparison.Ordinal);
        Assert.Contains("+3.01 dB", Claims.Routing(one).Measured, StringComparison.Ordinal);
    }

    [Fact]
    public void A_difference_is_clear_only_beyond_its_interval()
    {
        // Student's t for two degrees of freedom is 4.30: sd 0.1 over 3 seeds gives ± 0.248.
        PairedDifference small = PairedDifference.Of([0.1, 0.2, 0.3]), large = PairedDifference.Of([0.3, 0.4, 0.5]), one = PairedDifference.Of([5]);
        Assert.Equal(0.248, small.HalfWidth, 3);
        Assert.False(small.ClearlyPositive);
        Assert.True(large.ClearlyPositive);
        Assert.False(one.ClearlyPositive);
    }

    private static EvaluationRow Row(double psnr) => new(0.2, 10, new MeanSd(14.8, 1), new MeanSd(psnr, 1), new MeanSd(psnr, 1), new MeanSd(0.8, 0.1), new MeanSd(0.4, 0.1));

    private static AblationResult Ablation(params (string Name, double Psnr)[] rows) => new(
        new ExperimentRecord { Experiment = "ablation", Finished = true, Data = "", WrittenAt = DateTimeOffset.UnixEpoch }, 14.8,
        rows.Select(r => new AblationRow(r.Name, r.Name, 3, new MeanSd(r.Psnr, 1), 0.01, default, 1, 1, 1, null, Enumerable.Range(1, 3).Select(seed => new TrainingResult(r.Name, seed, 1, 1, 1, [Row(r.Psnr + 0.01 * seed * (r.Name.StartsWith("adaptive", StringComparison.Ordinal) ? 2 : 1))])).ToArray())).ToArray());
}
