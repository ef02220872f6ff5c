using System.Globalization;
using System.Text.Json.Serialization;

namespace DenoiseService.Training.Experiments;

/// <summary>What became of a claim on this machine and these images.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Verdict>))]
public enum Verdict
{
    /// <summary>The effect is there, and of the claimed kind of size.</summary>
    Reproduced,

    /// <summary>Some of it is there, or it is there but much smaller.</summary>
    Partly,

    /// <summary>The effect is not there.</summary>
    NotReproduced,

    /// <summary>What it would need was not run.</summary>
    NotTested,
}

/// <summary>One claim of the report beside what was measured.</summary>
/// <param name="Name">Which.</param>
/// <param name="Claimed">What the report says, with its number.</param>
/// <param name="Measured">Our number.</param>
/// <param name="Verdict">By a rule that is fixed in the code.</param>
/// <param name="Why">The numbers behind it, and what they do not show.</param>
public sealed record Claim(string Name, string Claimed, string Measured, Verdict Verdict, string Why);

/// <summary>A difference between two networks that were trained with the same seeds.</summary>
/// <param name="Mean">dB over the seeds.</param>
/// <param name="HalfWidth">Of its 95 % confidence interval (Student's t over the seeds); NaN for one seed.</param>
internal readonly record struct PairedDifference(double Mean, double HalfWidth)
{
    // Two-sided 95 % for 1 to 9 degrees of freedom; more seeds than that take the last, which is a little too wide.
    private static readonly double[] StudentT = [12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26];

    /// <summary>There is no interval, so that nothing is clear.</summary>
    public bool IsOneSeed => double.IsNaN(HalfWidth);

    /// <summary>The interval lies above 0.</summary>
    public bool ClearlyPositive => Mean - HalfWidth > 0;

    public static PairedDifference Of(IReadOnlyList<double> differences) => new(
        differences.Average(), differences.Count < 2 ? double.NaN : StudentT[Math.Min(differences.Count - 2, StudentT.Length - 1)] * Statistics.SampleSd(differences) / Math.Sqrt(differences.Count));

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Mean:+0.00;−0.00;0.00}{(double.IsNaN(HalfWidth) ? "" : $" ± {HalfWidth:F2}")} dB");
}

/// <summary>
/// The rules that turn results into verdicts. They were written down before the results were seen, but for two: that a difference must also be there when
/// the output is not clamped in training was added when standard attention turned out not to train at all under that clamp; and that one seed judges no difference was added after the project's own run, which had three.
/// </summary>
internal static class Claims
{
    /// <summary>The main model: within 0.25 dB reproduced, within 1 dB partly.</summary>
    /// <param name="at">Its score at σ = 0.2.</param>
    /// <param name="how">How it was trained, to follow the difference to the report.</param>
    public static Claim MainModel(EvaluationRow? at, string how)
    {
        const double reported = 25.12;
        const string claimed = "25.12 ± 1.46 dB, SSIM 0.8392 at σ = 0.2";
        if (at is null) return NotTested("main model", claimed);
        double off = Math.Abs(at.Psnr.Mean - reported);
        return new Claim(
            "main model", claimed, Text($"{at.Psnr.Mean:F2} ± {at.Psnr.Sd:F2} dB, SSIM {at.Ssim.Mean:F4}"), off <= 0.25 ? Verdict.Reproduced : off <= 1 ? Verdict.Partly : Verdict.NotReproduced,
            Text($"{at.Psnr.Mean - reported:+0.00;−0.00} dB to the report, {how}; the input has {at.NoisyPsnr.Mean:F2} dB. The released weights were measured at 25.05 dB on other CIFAR-10 images."));
    }

    /// <summary>Learned routing matters: reproduced if the adaptive network is clearly better than uniform, random and no routing, and by at least half of the claimed 2.94 dB than the last, with and without the clamp in training.</summary>
    public static Claim Routing(AblationResult? ablation)
    {
        const string name = "1: learned routing matters", claimed = "adaptive 22.68 dB, non-adaptive 19.74 dB: +2.94 dB";
        if (ablation is null || Differences(ablation, "adaptive", "non-adaptive", "uniform", "random") is not { } of) return NotTested(name, claimed);
        if (of.Values.Any(d => d.IsOneSeed)) return NeedsSeeds(name, claimed, $"to non-adaptive {of["non-adaptive"]}");
        bool learned = of["uniform"].ClearlyPositive && of["random"].ClearlyPositive;
        (string free, bool also) = WithoutClamp(ablation, "adaptive", 2.94 / 2, "non-adaptive", "uniform", "standard", "wide-standard");
        Verdict verdict = learned && also && of["non-adaptive"] is { ClearlyPositive: true, Mean: >= 2.94 / 2 } ? Verdict.Reproduced : learned ? Verdict.Partly : Verdict.NotReproduced;
        string size = Differences(ablation, "adaptive", "wide-standard") is { } wide ? $"; to standard attention of equal size {wide["wide-standard"]}" : "";
        return new Claim(
            name, claimed, $"to non-adaptive {of["non-adaptive"]}", verdict,
            $"Same parameters without a learned router: to uniform mixing {of["uniform"]}, to random routing by position {of["random"]}{size}. ± is the 95 % interval over seeds. {free}The non-adaptive network also has only one of its three experts in use.");
    }

    /// <summary>Sparse beats full: reproduced if the adaptive network clearly beats itself with all keys, and the non-adaptive one standard attention by half of the claimed 4.67 dB, with and without the clamp in training.</summary>
    public static Claim Sparsity(AblationResult? ablation)
    {
        const string name = "2: sparse attention beats full attention", claimed = "non-adaptive sparse 19.74 dB, standard 15.07 dB: +4.67 dB";
        if (ablation is null || Differences(ablation, "adaptive", "all-keys") is not { } keys || Differences(ablation, "non-adaptive", "standard") is not { } standard) return NotTested(name, claimed);
        if (keys["all-keys"].IsOneSeed || standard["standard"].IsOneSeed) return NeedsSeeds(name, claimed, $"non-adaptive to standard {standard["standard"]}");
        bool sparse = keys["all-keys"].ClearlyPositive;
        (string free, bool also) = WithoutClamp(ablation, "non-adaptive", 4.67 / 2, "standard");
        Verdict verdict = sparse && also && standard["standard"] is { ClearlyPositive: true, Mean: >= 4.67 / 2 } ? Verdict.Reproduced : sparse ? Verdict.Partly : Verdict.NotReproduced;
        return new Claim(
            name, claimed, $"non-adaptive to standard {standard["standard"]}", verdict,
            $"The test of sparsity alone, the adaptive network against itself with every key: {keys["all-keys"]}. {free}At 32×32 there are 64 tokens, so that the non-adaptive network with its 128 keys is not sparse at all, and the adaptive one is in one expert of three. The report's 15.07 dB is about the noisy input: a model that had hardly learned.");
    }

    /// <summary>Routing adapts: correlation with edges, contiguous choices, different images; all three reproduced, some partly.</summary>
    public static Claim Adaptation(RoutingStudyResult? routing)
    {
        const string name = "3: routing adapts to the content", claimed = "expensive expert and edges −0.465 ± 0.139; load 34.5 / 37.1 / 28.3 %; contiguous regions; images route differently";
        if (routing is not { Blocks: [var first, ..] }) return NotTested(name, claimed);
        ExpertSummary expensive = first.Experts[^1];
        bool edges = expensive.Edges.Mean < -0.3, contiguous = first.Coherence.P < 0.05, different = first.Between is { P: < 0.05 };
        int holding = (edges ? 1 : 0) + (contiguous ? 1 : 0) + (different ? 1 : 0);
        string loads = string.Join(" / ", first.Experts.Select(e => Text($"{e.Load.Mean:F1} ± {e.Load.Sd:F1}")));
        string between = first.Between is { } b ? Text($"two images differ {b.BetweenImages / b.BetweenDraws:F1} times as much as two noise draws of one (p {b.P:0.####}); of the expensive expert's variance {100 * b.Experts[^1].Position:F0} % is position alone") : "images were not compared";
        string later = string.Join(", ", routing.Blocks.Skip(1).Select(block => Text($"{block.Experts[^1].Edges.Mean:+0.000;−0.000}")));
        return new Claim(
            name, claimed, Text($"{expensive.Edges.Mean:+0.000;−0.000} ± {expensive.Edges.Sd:F3}; load {loads} %"), holding == 3 ? Verdict.Reproduced : holding > 0 ? Verdict.Partly : Verdict.NotReproduced,
            Text($"First block, {routing.Images} images. Neighbours choose the same expert in {100 * first.Coherence.Share.Mean:F0} % of cases, by chance {100 * first.Coherence.NullMean:F0} % (p {first.Coherence.P:0.####}); {between}. Entropy of the routing {first.Entropy.Mean:F3} of 1: it is nearly even. Correlation in later blocks: {later}. At 32×32 the experts with 64 and 128 keys cost the same: \"expensive\" is a name."));
    }

    /// <summary>It scales: reproduced if also wall clock and memory get cheaper than full attention, partly if FLOPs do.</summary>
    public static Claim Scale(ScalingResult? scaling)
    {
        const string name = "4: it scales to large images", claimed = "FLOPs 117 % of full attention at 32×32, 29 % at 64×64, break-even near 40";
        if (scaling is null) return NotTested(name, claimed);
        string fast = ScalingForm.All.First(f => f.Name == ScalingForm.Fast).Label, full = ScalingForm.All.First(f => f.Name == ScalingForm.Fused).Label;
        BreakEven? Of(string measure) => scaling.BreakEvens.FirstOrDefault(b => b.Measure == measure && b.Sparse == fast && b.Full == full);
        BreakEven? clock = Of(ScalingReport.WallClock), memory = Of(ScalingReport.Memory);
        if (clock is not { LargestSide: > 0 }) return NotTested(name, claimed);
        return new Claim(
            name, claimed, Text($"break-even by the report's formula {scaling.ReportBreakEven:F1} px; by wall clock: {clock.Text}; by memory: {memory?.Text}"),
            clock.Side is not null && memory?.Side is not null ? Verdict.Reproduced : Verdict.Partly,
            Text($"The formula leaves out the projections and the N² scores that top-k needs. At {clock.LargestSide} px our fast form takes {clock.RatioAtLargest:0.##} times as long as full attention. ") + string.Join(' ', scaling.Growth.Where(g => g.Label == fast).Select(g => Text($"Its time grows as N^{g.Seconds:F2}."))));
    }

    /// <summary>Variable noise generalises: reproduced if clearly better at every level, partly at half of them or more.</summary>
    public static Claim Generalisation(RobustnessResult? robustness)
    {
        const string name = "5: training at many noise levels generalises", claimed = "+1.7 to +5.3 dB at every σ from 0.05 to 0.35 (+2.96 dB at 0.2)";
        if (robustness?.Fixed is null || robustness.Variable is null || PairedByLevel(robustness) is not { Length: > 0 } differences) return NotTested(name, claimed);
        if (differences[0].IsOneSeed) return NeedsSeeds(name, claimed, $"at the first level {differences[0]}");
        int clear = differences.Count(d => d.ClearlyPositive);
        string each = string.Join("; ", robustness.Record.Sigmas.Zip(differences, (s, d) => Text($"σ {s:0.##}: ") + d));
        string worse = string.Join(", ", robustness.Record.Sigmas.Where((_, l) => robustness.Variable.Psnr[l].Mean < robustness.Noisy.Psnr[l].Mean).Select(s => Text($"{s:0.##}")));
        return new Claim(
            name, claimed, $"clearly better at {clear} of {differences.Length} levels", clear == differences.Length ? Verdict.Reproduced : 2 * clear >= differences.Length ? Verdict.Partly : Verdict.NotReproduced,
            $"Variable minus fixed: {each}. {(worse.Length > 0 ? $"Worse than the noisy input itself at σ {worse}." : "Never worse than the noisy input.")}");
    }

    /// <summary>Variable minus fixed at every level, over the seeds that both have.</summary>
    internal static PairedDifference[] PairedByLevel(RobustnessResult robustness)
    {
        var at = robustness.Runs.Where(r => r.Key.StartsWith(Robustness.FixedName, StringComparison.Ordinal)).ToDictionary(r => r.Seed);
        TrainingResult[] between = robustness.Runs.Where(r => r.Key.StartsWith(Robustness.VariableName, StringComparison.Ordinal) && at.ContainsKey(r.Seed)).ToArray();
        return between.Length == 0 ? [] : Enumerable.Range(0, robustness.Record.Sigmas.Count).Select(l => PairedDifference.Of(between.Select(r => r.Rows[l].Psnr.Mean - at[r.Seed].Rows[l].Psnr.Mean).ToArray())).ToArray();
    }

    /// <summary>One network minus each of others, seed by seed; null where one of them is missing.</summary>
    internal static Dictionary<string, PairedDifference>? Differences(AblationResult ablation, string of, params string[] to)
    {
        AblationRow? own = ablation.Rows.FirstOrDefault(r => r.Name == of);
        var differences = new Dictionary<string, PairedDifference>();
        foreach (string name in to)
        {
            var seeds = ablation.Rows.FirstOrDefault(r => r.Name == name)?.Runs.ToDictionary(r => r.Seed);
            double[] each = own is null || seeds is null ? [] : own.Runs.Where(r => seeds.ContainsKey(r.Seed)).Select(r => r.Rows[0].Psnr.Mean - seeds[r.Seed].Rows[0].Psnr.Mean).ToArray();
            if (each.Length == 0) return null;
            differences[name] = PairedDifference.Of(each);
        }

        return differences;
    }

    /// <summary>The same differences between networks whose output was not clamped in training, where those were trained.</summary>
    /// <param name="ablation">With the variants NAME-free.</param>
    /// <param name="of">Of which network.</param>
    /// <param name="least">What the first difference must reach.</param>
    /// <param name="to">To which networks; the first decides.</param>
    private static (string Text, bool Holds) WithoutClamp(AblationResult ablation, string of, double least, params string[] to)
    {
        if (Differences(ablation, $"{of}-free", [.. to.Select(t => $"{t}-free")]) is not { } free) return ("", true);
        string differences = string.Join(", ", to.Select(t => $"to {t} {free[$"{t}-free"]}"));
        return ($"Not clamped in training, which leaves every pixel its gradient: {differences}. ", free[$"{to[0]}-free"] is { ClearlyPositive: true } first && first.Mean >= least);
    }

    private static Claim NeedsSeeds(string name, string claimed, string measured) => new(name, claimed, measured, Verdict.NotTested, "Trainings with one seed cannot tell a difference from luck: it needs two or more.");

    private static Claim NotTested(string name, string claimed) => new(name, claimed, "", Verdict.NotTested, "What it needs was not run, or is not finished.");

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
