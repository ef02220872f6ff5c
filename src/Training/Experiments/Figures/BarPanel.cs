using System.Globalization;
using ScottPlot;
using ScottPlot.Plottables;

namespace DenoiseService.Training.Experiments.Figures;

/// <summary>Bars of one colour, one for each category.</summary>
/// <param name="Name">For the legend, which is shown where there are several.</param>
/// <param name="Values">NaN leaves a bar out.</param>
/// <param name="Errors">Half lengths of the error bars; NaN for none.</param>
public sealed record BarSeries(string Name, IReadOnlyList<double> Values, IReadOnlyList<double>? Errors = null);

/// <summary>Grouped bars with error bars and their values written at their ends.</summary>
/// <param name="Title">Above it.</param>
/// <param name="ValueAxis">With the unit.</param>
/// <param name="Categories">One a group.</param>
/// <param name="Series">One or more, beside each other in every group.</param>
public sealed record BarPanel(string Title, string ValueAxis, IReadOnlyList<string> Categories, IReadOnlyList<BarSeries> Series) : PlotPanel
{
    /// <summary>Bars lie, the first category on top: for long names.</summary>
    public bool Lying { get; init; }

    /// <summary>A line across the bars, named in the legend.</summary>
    public (double Value, string Label)? Reference { get; init; }

    /// <summary>Of the values written at the bars.</summary>
    public string Format { get; init; } = "0.##";

    /// <summary>False: the value axis starts nearer to the values where they are all far from 0.</summary>
    public bool FromZero { get; init; } = true;

    internal override Plot Build()
    {
        Plot plot = Lying ? HouseStyle.NewPlot(Title, ValueAxis, "") : HouseStyle.NewPlot(Title, "", ValueAxis);
        (double from, double to) = Range();
        double origin = from > 0 ? from : to < 0 ? to : 0, size = 0.8 / Series.Count;
        double lowest = from, span = to - from;
        for (int s = 0; s < Series.Count; s++)
        {
            var bars = new List<Bar>();
            var errorBars = new List<(double At, double Value, double Error)>();
            for (int c = 0; c < Categories.Count; c++)
            {
                double value = Series[s].Values[c], error = ErrorOf(s, c), at = Lying ? -c - size * (s - (Series.Count - 1) / 2.0) : c + size * (s - (Series.Count - 1) / 2.0);
                if (double.IsNaN(value)) continue;
                bars.Add(new Bar { Position = at, Value = value, ValueBase = origin, Size = size * 0.92, FillColor = HouseStyle.ColourOf(s), LineWidth = 0, Orientation = Lying ? Orientation.Horizontal : Orientation.Vertical });
                if (error > 0) errorBars.Add((at, value, error));
                bool down = value < origin;
                double end = down ? value - error : value + error;
                string text = value.ToString(Format, CultureInfo.InvariantCulture);
                if (Lying) HouseStyle.AddText(plot, text, end, at, down ? Alignment.MiddleRight : Alignment.MiddleLeft, down ? -5 : 5, 0, Colors.Black);
                else HouseStyle.AddText(plot, text, at, end, down ? Alignment.UpperCenter : Alignment.LowerCenter, 0, down ? 3 : -3, Colors.Black);
                if (down) lowest = Math.Min(lowest, end - span * 0.1);
            }

            BarPlot drawn = plot.Add.Bars(bars);
            drawn.Horizontal = Lying;
            double[] places = errorBars.Select(e => e.At).ToArray(), ends = errorBars.Select(e => e.Value).ToArray(), halves = errorBars.Select(e => e.Error).ToArray();
            if (halves.Length > 0) plot.Add.Plottable(Lying ? new ErrorBar(ends, places, halves, halves, null, null) { Color = Colors.Black, CapSize = 4 } : new ErrorBar(places, ends, null, null, halves, halves) { Color = Colors.Black, CapSize = 4 });
            if (Series.Count > 1) drawn.LegendText = Series[s].Name;
        }

        double[] positions = Categories.Select((_, c) => Lying ? -(double)c : c).ToArray();
        var ticks = new ScottPlot.TickGenerators.NumericManual(positions, [.. Categories]);
        double first = -0.6, last = Categories.Count - 0.4, room = to + span * (Lying ? 0.24 : 0.1);
        if (Lying)
        {
            plot.Axes.Left.TickGenerator = ticks;
            plot.Axes.Left.MajorTickStyle.Length = 0;
            plot.Axes.SetLimits(lowest, room, -last, -first);
            plot.Grid.YAxisStyle.IsVisible = false;
        }
        else
        {
            plot.Axes.Bottom.TickGenerator = ticks;
            plot.Axes.Bottom.MajorTickStyle.Length = 0;
            plot.Axes.SetLimits(first, last, lowest, room);
            plot.Grid.XAxisStyle.IsVisible = false;
        }

        if (Reference is { } reference)
        {
            plot.Add.Plottable(new DashedLine(reference.Label, Colors.Black, 2, 8, 6) { X = Lying ? reference.Value : null, Y = Lying ? null : reference.Value });
        }

        if (Series.Count > 1 || Reference is not null) plot.ShowLegend();
        return plot;
    }

    private double ErrorOf(int series, int category) => Series[series].Errors?[category] is { } error && double.IsFinite(error) ? error : 0;

    private (double From, double To) Range()
    {
        double low = double.PositiveInfinity, high = double.NegativeInfinity;
        if (Reference is { } reference) (low, high) = (reference.Value, reference.Value);
        for (int s = 0; s < Series.Count; s++)
        {
            for (int c = 0; c < Categories.Count; c++)
            {
                double value = Series[s].Values[c], error = ErrorOf(s, c);
                if (!double.IsFinite(value)) continue;
                (low, high) = (Math.Min(low, value - error), Math.Max(high, value + error));
            }
        }

        if (low > high) return (0, 1);
        bool far = !FromZero && low > high / 4;
        double from = far ? Math.Max(0, low - Math.Max(high - low, high * 0.01) * 0.25) : Math.Min(0, low);
        double to = high < 0 ? 0 : high;
        return (from, to > from ? to : from + 1);
    }
}
