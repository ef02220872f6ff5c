using ScottPlot;

namespace DenoiseService.Training.Experiments.Figures;

/// <summary>Points of one colour and shape.</summary>
/// <param name="Name">For the legend.</param>
/// <param name="X">In the order in which they are joined.</param>
/// <param name="Y">A point that is not finite, or not positive on a logarithmic axis, is left out.</param>
/// <param name="Errors">Half lengths of the error bars along y; NaN for none.</param>
public sealed record LineSeries(string Name, IReadOnlyList<double> X, IReadOnlyList<double> Y, IReadOnlyList<double>? Errors = null)
{
    /// <summary>For what is drawn beside the measurements, such as the noisy input.</summary>
    public bool Dashed { get; init; }

    /// <summary>Number of its colour and shape, so that panels can agree; null: its place among the series, grey if dashed.</summary>
    public int? Colour { get; init; }
}

/// <summary>Lines or scattered points over two axes, linear or logarithmic, with error bars and a legend.</summary>
/// <param name="Title">Above it.</param>
/// <param name="XAxis">With the unit.</param>
/// <param name="YAxis">With the unit.</param>
/// <param name="Series">Drawn in this order.</param>
public sealed record LinePanel(string Title, string XAxis, string YAxis, IReadOnlyList<LineSeries> Series) : PlotPanel
{
    /// <summary>A logarithmic x axis.</summary>
    public bool LogX { get; init; }

    /// <summary>A logarithmic y axis.</summary>
    public bool LogY { get; init; }

    /// <summary>False: points only.</summary>
    public bool Joined { get; init; } = true;

    /// <summary>The only x values with a tick; chosen if empty.</summary>
    public IReadOnlyList<double> XTicks { get; init; } = [];

    /// <summary>A vertical line with a legend entry.</summary>
    public (double X, string Label)? Marker { get; init; }

    /// <summary>False where a neighbour's legend serves.</summary>
    public bool Legend { get; init; } = true;

    internal override Plot Build()
    {
        Plot plot = HouseStyle.NewPlot(Title, XAxis, YAxis);
        for (int s = 0; s < Series.Count; s++) AddSeries(plot, Series[s], s);
        if (Marker is { } marker)
        {
            plot.Add.Plottable(new DashedLine(marker.Label, HouseStyle.Grey, 1.5f, 2, 4) { X = AtX(marker.X) });
        }

        plot.Axes.Margins(0.05, 0.08);
        plot.Axes.AutoScale();
        AxisLimits limits = plot.Axes.GetLimits();
        if (XTicks.Count > 0) plot.Axes.Bottom.TickGenerator = new ScottPlot.TickGenerators.NumericManual(XTicks.Select(AtX).ToArray(), XTicks.Select(HouseStyle.Number).ToArray());
        else if (LogX) plot.Axes.Bottom.TickGenerator = HouseStyle.LogTicks(limits.Left, limits.Right);
        if (LogY) plot.Axes.Left.TickGenerator = HouseStyle.LogTicks(limits.Bottom, limits.Top);
        if (Legend && (Series.Count > 1 || Marker is not null)) plot.ShowLegend();
        else plot.HideLegend();
        return plot;
    }

    private void AddSeries(Plot plot, LineSeries series, int index)
    {
        Color colour = series.Dashed && series.Colour is null ? HouseStyle.Grey : HouseStyle.ColourOf(series.Colour ?? index);
        int[] shown = Enumerable.Range(0, series.X.Count).Where(i => Draws(series.X[i], LogX) && Draws(series.Y[i], LogY)).ToArray();
        double[] x = shown.Select(i => AtX(series.X[i])).ToArray(), y = shown.Select(i => AtY(series.Y[i])).ToArray();
        if (shown.Length == 0) return;
        ScottPlot.Plottables.Scatter points = plot.Add.Scatter(x, y, colour);
        (points.LegendText, points.MarkerShape, points.MarkerSize, points.LineWidth) = (series.Name, HouseStyle.ShapeOf(series.Colour ?? index), 8, Joined ? 2 : 0);
        if (series.Dashed && Joined)
        {
            points.LineWidth = 0;
            points.LegendText = "";
            plot.Add.Plottable(new DashedLine(series.Name, colour, 2, 8, 6) { Points = [.. x.Zip(y, (a, b) => new Coordinates(a, b))] });
        }

        if (series.Errors is not { } errors) return;
        int[] withError = Enumerable.Range(0, shown.Length).Where(p => errors[shown[p]] > 0 && Draws(series.Y[shown[p]] - errors[shown[p]], LogY)).ToArray();
        if (withError.Length == 0) return;
        double[] up = withError.Select(p => AtY(series.Y[shown[p]] + errors[shown[p]]) - y[p]).ToArray(), down = withError.Select(p => y[p] - AtY(series.Y[shown[p]] - errors[shown[p]])).ToArray();
        var bars = new ScottPlot.Plottables.ErrorBar(withError.Select(p => x[p]).ToArray(), withError.Select(p => y[p]).ToArray(), null, null, down, up) { Color = colour, LineWidth = 1.5f, CapSize = 4 };
        plot.Add.Plottable(bars);
    }

    private static bool Draws(double value, bool log) => double.IsFinite(value) && (!log || value > 0);

    private double AtX(double value) => LogX ? Math.Log10(value) : value;

    private double AtY(double value) => LogY ? Math.Log10(value) : value;
}
