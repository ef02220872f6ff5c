using System.Globalization;
using DenoiseService.Model;

namespace DenoiseService.Training.Experiments;

/// <summary>One form at one side.</summary>
/// <param name="Side">Of the image, in pixels.</param>
/// <param name="Tokens">N.</param>
/// <param name="Form">Key of the form.</param>
/// <param name="Label">For people.</param>
/// <param name="ReportFlops">By the report's formula.</param>
/// <param name="HonestFlops">Everything counted.</param>
/// <param name="Seconds">Median of the timed passes; NaN where there is none.</param>
/// <param name="Passes">How many were timed.</param>
/// <param name="PeakMiB">Most memory of a pass beyond what the process held before.</param>
/// <param name="EstimatedMiB">What it was thought to need before it ran.</param>
/// <param name="NotRun">Why there are no measurements; else null.</param>
public sealed record ScalingRow(int Side, int Tokens, string Form, string Label, double ReportFlops, double HonestFlops, double Seconds, int Passes, double PeakMiB, double EstimatedMiB, string? NotRun);

/// <summary>Fitted exponents of growth with the number of tokens: 1 is linear, 2 quadratic. NaN where there are not two points.</summary>
/// <param name="Label">The form.</param>
/// <param name="ReportFlops">By the report's formula.</param>
/// <param name="HonestFlops">Everything counted.</param>
/// <param name="Seconds">Wall clock.</param>
/// <param name="Memory">Peak.</param>
public sealed record ScalingGrowth(string Label, double ReportFlops, double HonestFlops, double Seconds, double Memory);

/// <summary>From which side on a sparse form is cheaper than a full one.</summary>
/// <param name="Measure">What is compared.</param>
/// <param name="Sparse">Its label.</param>
/// <param name="Full">Its label.</param>
/// <param name="Side">In pixels, between measured sides on a straight line of logarithms; null: nowhere.</param>
/// <param name="Text">The same for people.</param>
/// <param name="RatioAtLargest">Sparse to full at the largest side that both have.</param>
/// <param name="LargestSide">That side.</param>
public sealed record BreakEven(string Measure, string Sparse, string Full, double? Side, string Text, double RatioAtLargest, int LargestSide);

/// <summary>A scaling experiment.</summary>
/// <param name="Record">How it was made.</param>
/// <param name="Rows">One a side and form.</param>
/// <param name="Growth">One a form, over <paramref name="GrowthSides"/>.</param>
/// <param name="GrowthSides">The larger half of the sides.</param>
/// <param name="BreakEvens">One a measure and pair of forms.</param>
/// <param name="ReportBreakEven">In pixels: where the report's formula gives both alike.</param>
/// <param name="ClaimHoldsFor">Which parts of claim 4 hold, from the numbers.</param>
public sealed record ScalingResult(ExperimentRecord Record, IReadOnlyList<ScalingRow> Rows, IReadOnlyList<ScalingGrowth> Growth, IReadOnlyList<int> GrowthSides, IReadOnlyList<BreakEven> BreakEvens, double ReportBreakEven, string ClaimHoldsFor);

/// <summary>From the cells to numbers, sentences and files.</summary>
internal static class ScalingReport
{
    internal const string ByReport = "FLOPs, report's formula", Honest = "FLOPs, honest", WallClock = "wall clock", Memory = "memory";

    public static ScalingResult Collect(ScalingSettings settings, IReadOnlyDictionary<(int Side, string Form), ScalingCell> cells, bool finished, TimeProvider time)
    {
        var rows = new List<ScalingRow>();
        foreach (int side in settings.Sides)
        {
            foreach (ScalingForm form in ScalingForm.All)
            {
                ScalingCell? cell = cells.GetValueOrDefault((side, form.Name));
                ModelConfig model = form.Model(settings.Model, side);
                double median = cell is { Seconds.Count: > 0 } ? Rounds.Median([.. cell.Seconds]) : double.NaN;
                rows.Add(new ScalingRow(
                    side, model.Tokens, form.Name, form.Label, Flops.ByReport(model), Flops.Honest(model), median, cell?.Seconds.Count ?? 0, cell?.PeakMiB ?? double.NaN,
                    form.Bytes(settings.Model, side) / (1 << 20), cell is null ? "not reached" : cell.NotRun));
            }
        }

        int[] larger = [.. settings.Sides.Skip(Math.Min(settings.Sides.Count / 2, Math.Max(0, settings.Sides.Count - 2)))];
        ScalingGrowth[] growth = ScalingForm.All.Select(form =>
        {
            ScalingRow[] own = rows.Where(r => r.Form == form.Name && larger.Contains(r.Side)).ToArray();
            return new ScalingGrowth(form.Label, Fit(own, r => r.ReportFlops), Fit(own, r => r.HonestFlops), Fit(own, r => r.Seconds), Fit(own, r => r.PeakMiB));
        }).ToArray();
        BreakEven[] breakEvens = BreakEvens(rows).ToArray();
        var record = new ExperimentRecord
        {
            Experiment = "scaling", Finished = finished, Data = "one random image a side, random weights: the cost does not depend on them", Noise = "none", Channels = "none",
            Seeds = [settings.Seed], WrittenAt = time.GetUtcNow(), Hours = cells.Values.Sum(c => c.Spent) / 3600,
        };
        return new ScalingResult(record, rows, growth, larger, breakEvens, settings.Model.PatchSide * Math.Sqrt(settings.Model.KeysKept.Average()), ClaimHoldsFor(settings.Model, breakEvens, growth));
    }

    private static double Fit(ScalingRow[] rows, Func<ScalingRow, double> of)
    {
        ScalingRow[] usable = rows.Where(r => double.IsFinite(of(r)) && of(r) > 0).ToArray();
        return usable.Length < 2 ? double.NaN : Statistics.Exponent(usable.Select(r => (double)r.Tokens).ToArray(), usable.Select(of).ToArray());
    }

    private static IEnumerable<BreakEven> BreakEvens(IReadOnlyList<ScalingRow> rows)
    {
        // Operations do not depend on how a network is computed, only on the network.
        foreach (string full in (string[])[ScalingForm.Fused, ScalingForm.AllKeys])
        {
            yield return Compare(rows, ByReport, ScalingForm.Fast, full, r => r.ReportFlops);
            yield return Compare(rows, Honest, ScalingForm.Fast, full, r => r.HonestFlops);
        }

        foreach (string sparse in (string[])[ScalingForm.Direct, ScalingForm.Fast])
        {
            foreach (string full in (string[])[ScalingForm.Fused, ScalingForm.Explicit, ScalingForm.AllKeys])
            {
                yield return Compare(rows, WallClock, sparse, full, r => r.Seconds);
                yield return Compare(rows, Memory, sparse, full, r => r.PeakMiB);
            }
        }
    }

    private static BreakEven Compare(IReadOnlyList<ScalingRow> rows, string measure, string sparse, string full, Func<ScalingRow, double> of)
    {
        string ofNetwork = measure is ByReport or Honest ? "sparse mixture" : ScalingForm.All.First(f => f.Name == sparse).Label;
        string rival = measure is ByReport or Honest ? full == ScalingForm.AllKeys ? "mixture that keeps all keys" : "full attention" : ScalingForm.All.First(f => f.Name == full).Label;
        (int Side, double Ratio)[] ratios = rows.Where(r => r.Form == sparse).Zip(rows.Where(r => r.Form == full), (s, f) => (s.Side, Ratio: of(s) > 0 && of(f) > 0 ? of(s) / of(f) : double.NaN)).Where(p => double.IsFinite(p.Ratio)).ToArray();
        if (ratios.Length == 0) return new BreakEven(measure, ofNetwork, rival, null, "not measured", double.NaN, 0);
        int first = Array.FindLastIndex(ratios, p => p.Ratio >= 1) + 1; // cheaper from here to the end
        (int largest, double ratio) = ratios[^1];
        if (first == ratios.Length) return new BreakEven(measure, ofNetwork, rival, null, $"none up to {largest}", ratio, largest);
        if (first == 0) return new BreakEven(measure, ofNetwork, rival, ratios[0].Side, $"cheaper at every side from {ratios[0].Side}", ratio, largest);
        (int Side, double Ratio) before = ratios[first - 1], after = ratios[first];
        double share = Math.Log(before.Ratio) / (Math.Log(before.Ratio) - Math.Log(after.Ratio));
        double side = before.Side * Math.Pow((double)after.Side / before.Side, share);
        return new BreakEven(measure, ofNetwork, rival, side, FormattableString.Invariant($"about {side:0.#}"), ratio, largest);
    }

    private static string ClaimHoldsFor(ModelConfig model, IReadOnlyList<BreakEven> breakEvens, IReadOnlyList<ScalingGrowth> growth)
    {
        // The claim is about what a user of full attention would have: its best form. The mixture that keeps all keys is the partner of equal size.
        string best = ScalingForm.All[0].Label, fast = ScalingForm.All[^1].Label;
        ScalingGrowth own = growth.First(g => g.Label == fast);
        string exact = Text(model.PatchSide * Math.Sqrt(model.KeysKept.Average()), "0.0");
        (string Name, BreakEven? Full, double Growth)[] measures =
        [
            (ByReport, Of(ByReport, "full attention"), own.ReportFlops), (Honest, Of(Honest, "full attention"), own.HonestFlops), (WallClock, Of(WallClock, best), own.Seconds), (Memory, Of(Memory, best), own.Memory),
        ];
        var measured = measures.Where(m => m.Full is { LargestSide: > 0 }).ToArray();
        string[] cheaper = measured.Where(m => m.Full!.Side is not null).Select(m => m.Name).ToArray(), dearer = measured.Where(m => m.Full!.Side is null).Select(m => m.Name).ToArray();
        string[] linear = measured.Where(m => m.Growth < 1.25).Select(m => m.Name).ToArray(), steeper = measured.Where(m => m.Growth >= 1.25).Select(m => $"{m.Name} (N^{Text(m.Growth, "0.00")})").ToArray();
        string verdict = cheaper.SequenceEqual([ByReport]) ? "**That the sparse mixture gets cheaper than full attention holds for FLOPs by the report's formula only.**"
            : $"**The sparse mixture gets cheaper than full attention in: {List(cheaper)}; not in: {List(dearer)}.**";
        string ratios = string.Join("; ", measured.Select(m => $"{m.Name} {Text(m.Full!.RatioAtLargest, "0.###")} × at {m.Full.LargestSide} px (break-even: {m.Full.Text})"));
        string partner = string.Join("; ", ((string[])[Honest, WallClock, Memory]).Select(m => (Name: m, Value: Of(m, m == Honest ? "mixture that keeps all keys" : ScalingForm.All[2].Label))).Where(p => p.Value is { LargestSide: > 0 }).Select(p => $"{p.Name} {Text(p.Value!.RatioAtLargest, "0.###")} × at {p.Value.LargestSide} px (break-even: {p.Value.Text})"));
        return $"{verdict}\n\nOur fast form to full attention in its best form: {ratios}. By the report's formula the break-even is exactly {exact} px (P·√mean k); the report says near 40.\n\n" +
            $"Growth with the number of tokens N of the fast form: about linear in {List(linear)}; steeper in {List(steeper)}. To know the k largest scores all N² must be computed.\n\n" +
            $"To the mixture of equal parameters that keeps all keys: {partner}.";

        BreakEven? Of(string measure, string full) => breakEvens.FirstOrDefault(b => b.Measure == measure && b.Full == full && (measure is ByReport or Honest || b.Sparse == fast));
        static string List(IReadOnlyList<string> names) => names.Count == 0 ? "nothing" : string.Join(", ", names);
    }

    public static void Write(ScalingResult result, ScalingSettings settings, ExperimentFolder folder)
    {
        var table = new ReportTable("Cost of one image in one pass", ["side, px", "tokens", "form", "MFLOP, report's formula", "MFLOP, honest", "ms, median", "passes", "peak extra MiB", "expected MiB", "remark"]);
        foreach (ScalingRow r in result.Rows)
        {
            table.Add(r.Side, r.Tokens, r.Label, Text(r.ReportFlops / 1e6, "0.00"), Text(r.HonestFlops / 1e6, "0"), Text(1e3 * r.Seconds, "0.0"), r.Passes, Text(r.PeakMiB, "0.0"), Text(r.EstimatedMiB, "0.0"), r.NotRun ?? "");
        }

        var growth = new ReportTable($"Growth with the number of tokens: exponents, fitted over sides {string.Join(", ", result.GrowthSides)}", ["form", ByReport, Honest, WallClock, Memory]);
        foreach (ScalingGrowth g in result.Growth) growth.Add(g.Label, Text(g.ReportFlops, "0.00"), Text(g.HonestFlops, "0.00"), Text(g.Seconds, "0.00"), Text(g.Memory, "0.00"));
        var even = new ReportTable("From which side on sparse is cheaper than full, px", ["measure", "sparse", "full", "break-even", "sparse : full at the largest side", "that side"]);
        foreach (BreakEven b in result.BreakEvens) even.Add(b.Measure, b.Sparse, b.Full, b.Text, Text(b.RatioAtLargest, "0.###"), b.LargestSide);
        ScalingFigure.Draw(result, folder);
        folder.Write("Scaling", result.Record, $"{result.ClaimHoldsFor}\n\n{ReportFigures(settings.Model)}\n\n{Released(settings)}\n\n{Method(settings)}", [table, growth, even], result, ("scaling", "FLOPs, seconds and memory of one pass over the image side"));
    }

    /// <summary>The report's own numbers, computed again.</summary>
    private static string ReportFigures(ModelConfig model) => "The report's formula gives " + string.Join("; ", ((int[])[32, 64]).Select(side =>
    {
        double full = Flops.ByReport(ScalingForm.All[0].Model(model, side)), sparse = Flops.ByReport(ScalingForm.All[^1].Model(model, side));
        return $"at {side} px full {Text(full / 1e6, "0.00")} M, sparse {Text(sparse / 1e6, "0.00")} M ({Text(100 * sparse / full, "0")} %)";
    })) + ". The report: 1.05 M, 1.22 M (117 %); 16.8 M, 4.89 M (29 %).";

    private static string Released(ScalingSettings settings) => "The released code gathers from V expanded to (B, h, N, N, d). As a view, which is how our copy of the report's form has it, that costs nothing; made real it would need " +
        string.Join(", ", settings.Sides.Select(side => $"{Text(4 * Math.Pow(ScalingForm.All[0].Model(settings.Model, side).Tokens, 2) * settings.Model.Width / (1L << 30), "0.###")} GiB at {side}")) + " px, for one expert.";

    private static string Method(ScalingSettings settings) => $"One image, one pass over its whole grid of tokens, {settings.Threads} threads, float32. Forms take turns; median of up to {settings.Repeats} passes after one that warms up, fewer where a cell would take more than {Text(settings.CellSeconds, "0.#")} s. " +
        "Memory: the most that the process held resident during the first pass beyond what it held before, freed memory given back first; below a few MiB this is noise. A cell that would need more memory than there is was not run.";

    private static string Text(double value, string format) => double.IsNaN(value) ? "" : value.ToString(format, CultureInfo.InvariantCulture);
}
