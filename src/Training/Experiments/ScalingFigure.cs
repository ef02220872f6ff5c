using DenoiseService.Training.Experiments.Figures;

namespace DenoiseService.Training.Experiments;

internal static class ScalingFigure
{
    /// <summary>Operations, seconds and memory of one pass over the image side.</summary>
    public static void Draw(ScalingResult result, ExperimentFolder folder) => FigureFile.Save(new GridPanel(3, [Operations(result), WallClock(result), Memory(result)]), folder, "scaling", 1800, 760);

    internal static LinePanel WallClock(ScalingResult result) => Panel(result, "Wall clock", "seconds", Measured(result, r => r.Seconds));

    private static LinePanel Memory(ScalingResult result) => Panel(result, "Memory", "peak extra MiB", Measured(result, r => r.PeakMiB));

    private static LinePanel Operations(ScalingResult result) => Panel(result, "Operations", "MFLOP",
    [
        Line(result, ScalingForm.Fused, "full, all counted", r => r.HonestFlops / 1e6) with { Colour = 0 }, Line(result, ScalingForm.Fused, "full, report's formula", r => r.ReportFlops / 1e6) with { Colour = 0, Dashed = true },
        Line(result, ScalingForm.AllKeys, "mixture with all keys, all counted", r => r.HonestFlops / 1e6) with { Colour = 2 },
        Line(result, ScalingForm.Fast, "sparse mixture, all counted", r => r.HonestFlops / 1e6) with { Colour = 4 }, Line(result, ScalingForm.Fast, "sparse mixture, report's formula", r => r.ReportFlops / 1e6) with { Colour = 4, Dashed = true },
    ]) with { Marker = (result.ReportBreakEven, "break-even by the report's formula") };

    private static LineSeries[] Measured(ScalingResult result, Func<ScalingRow, double> of) => ScalingForm.All.Select(f => Line(result, f.Name, f.Label, of)).ToArray();

    private static LineSeries Line(ScalingResult result, string form, string name, Func<ScalingRow, double> of) => new(name, Sides(result), result.Rows.Where(r => r.Form == form).Select(of).ToArray());

    private static LinePanel Panel(ScalingResult result, string title, string unit, LineSeries[] series) => new(title, "image side in pixels", unit, series) { LogX = true, LogY = true, XTicks = Sides(result) };

    private static double[] Sides(ScalingResult result) => result.Rows.Select(r => (double)r.Side).Distinct().ToArray();
}
