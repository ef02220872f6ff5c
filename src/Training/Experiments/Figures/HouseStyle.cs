using System.Globalization;
using ScottPlot;
using SkiaSharp;

namespace DenoiseService.Training.Experiments.Figures;

/// <summary>How every figure looks: white, one font in fixed sizes, colours that the colour-blind can tell apart (Okabe and Ito's, without the yellow).</summary>
internal static class HouseStyle
{
    public const float TitleSize = 17, LabelSize = 15, TickSize = 14;

    public static readonly string FontName = SKFontManager.Default.FontFamilies.Contains("DejaVu Sans") ? "DejaVu Sans" : Fonts.Sans;

    private static readonly Color[] Palette = new[] { "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#333333" }.Select(Color.FromHex).ToArray();

    private static readonly MarkerShape[] Shapes = [MarkerShape.FilledCircle, MarkerShape.FilledSquare, MarkerShape.FilledTriangleUp, MarkerShape.FilledDiamond, MarkerShape.FilledTriangleDown, MarkerShape.OpenCircle, MarkerShape.OpenSquare];

    public static Color Grey { get; } = Color.FromHex("#555555");

    public static IColormap Heat { get; } = new ScottPlot.Colormaps.Viridis();

    public static Color ColourOf(int index) => Palette[index % Palette.Length];

    public static MarkerShape ShapeOf(int index) => Shapes[index % Shapes.Length];

    public static bool FontHasLetters()
    {
        SKTypeface? face = Fonts.GetTypeface(FontName, bold: false, italic: false);
        return face is not null && face.ContainsGlyph('A') && face.ContainsGlyph('0');
    }

    /// <summary>An empty plot with title and axis labels.</summary>
    public static Plot NewPlot(string title, string xAxis, string yAxis)
    {
        var plot = new Plot();
        plot.FigureBackground.Color = Colors.White;
        plot.DataBackground.Color = Colors.White;
        plot.Title(title, TitleSize);
        plot.XLabel(xAxis, LabelSize);
        plot.YLabel(yAxis, LabelSize);
        foreach (IAxis axis in plot.Axes.GetAxes())
        {
            axis.TickLabelStyle.FontSize = TickSize;
            axis.Label.Bold = false;
        }

        plot.Grid.MajorLineColor = Colors.Black.WithAlpha(.1);
        plot.Legend.FontSize = TickSize;
        plot.Legend.OutlineColor = Colors.Transparent;
        plot.Legend.ShadowColor = Colors.Transparent;
        plot.Legend.BackgroundColor = Colors.White.WithAlpha(.8);
        plot.Font.Set(FontName);
        return plot;
    }

    /// <summary>Text at a point of the plot, in the house's font.</summary>
    public static void AddText(Plot plot, string text, double x, double y, Alignment alignment, float offsetX, float offsetY, Color colour)
    {
        ScottPlot.Plottables.Text label = plot.Add.Text(text, x, y);
        (label.LabelFontSize, label.LabelFontName, label.LabelFontColor, label.LabelAlignment, label.OffsetX, label.OffsetY) = (TickSize - 1, FontName, colour, alignment, offsetX, offsetY);
    }

    /// <summary>A line of text on the canvas.</summary>
    public static void Write(SKCanvas canvas, string text, float x, float y, Alignment alignment, float rotation = 0, bool bold = false)
    {
        using var paint = Paint.NewDisposablePaint();
        new LabelStyle { Text = text, FontName = FontName, FontSize = LabelSize, Bold = bold, Alignment = alignment, Rotation = rotation }.Render(canvas, new Pixel(x, y), paint);
    }

    /// <summary>A number as a tick: 0.001, 20, 4,000, 1e6.</summary>
    public static string Number(double value) =>
        value == 0 || Math.Abs(value) is >= 1e-3 and < 1e5 ? value.ToString("#,0.####", CultureInfo.InvariantCulture) : value.ToString("0.##e0", CultureInfo.InvariantCulture);

    /// <summary>Ticks of a logarithmic axis whose coordinates are log10 of the values: decades, and 2 and 5 between where there are few; minor ones at the rest.</summary>
    public static ScottPlot.TickGenerators.NumericManual LogTicks(double low, double high)
    {
        var ticks = new ScottPlot.TickGenerators.NumericManual();
        double decades = high - low;
        int every = (int)Math.Max(1, Math.Ceiling(decades / 7));
        for (int decade = (int)Math.Floor(low); decade <= Math.Ceiling(high); decade++)
        {
            for (int digit = 1; digit <= 9; digit++)
            {
                double value = digit * Math.Pow(10, decade), at = Math.Log10(value);
                if (at < low - 1e-9 || at > high + 1e-9) continue;
                bool major = digit == 1 ? decade % every == 0 : digit is 2 or 5 && decades < 2;
                if (major) ticks.AddMajor(at, Number(value));
                else ticks.AddMinor(at);
            }
        }

        return ticks;
    }
}
