using ScottPlot;
using SkiaSharp;

namespace DenoiseService.Training.Experiments.Figures;

/// <summary>One part of a figure: a chart, a picture, or a grid of parts. Plain data; it knows how to draw itself.</summary>
public abstract record Panel
{
    internal abstract void Draw(SKCanvas canvas, PixelRect area);
}

/// <summary>A panel that is one plot.</summary>
public abstract record PlotPanel : Panel
{
    internal abstract Plot Build();

    internal sealed override void Draw(SKCanvas canvas, PixelRect area)
    {
        using Plot plot = Build();
        LegendItem[] items = plot.Legend.IsVisible ? plot.Legend.GetItems() : [];
        plot.HideLegend();
        plot.RenderManager.ClearCanvasBeforeEachRender = false;
        float legend = items.Length > 0 ? Legend.Draw(canvas, items, area) : 0;
        plot.Render(canvas, new PixelRect(area.Left, area.Right, area.Bottom - legend, area.Top));
    }
}

/// <summary>Panels in rows and columns; a grid may hold grids.</summary>
/// <param name="Columns">How many stand beside each other.</param>
/// <param name="Panels">Row by row; null leaves a place empty.</param>
public sealed record GridPanel(int Columns, IReadOnlyList<Panel?> Panels) : Panel
{
    private const float Gap = 12;

    /// <summary>Above everything; empty for none.</summary>
    public string Title { get; init; } = "";

    /// <summary>Relative widths; equal if empty.</summary>
    public IReadOnlyList<double> Widths { get; init; } = [];

    /// <summary>Relative heights; equal if empty.</summary>
    public IReadOnlyList<double> Heights { get; init; } = [];

    internal override void Draw(SKCanvas canvas, PixelRect area)
    {
        float top = area.Top;
        if (Title.Length > 0)
        {
            HouseStyle.Write(canvas, Title, area.HorizontalCenter, top, Alignment.UpperCenter, bold: true);
            top += HouseStyle.TitleSize + 18;
        }

        int rows = (Panels.Count + Columns - 1) / Columns;
        float[] x = Edges(area.Left, area.Right, Widths, Columns), y = Edges(top, area.Bottom, Heights, rows);
        for (int i = 0; i < Panels.Count; i++)
        {
            int column = i % Columns, row = i / Columns;
            Panels[i]?.Draw(canvas, new PixelRect(x[column] + (column > 0 ? Gap : 0), x[column + 1], y[row + 1], y[row] + (row > 0 ? Gap : 0)));
        }
    }

    internal static float[] Edges(float from, float to, IReadOnlyList<double> weights, int count)
    {
        double total = weights.Count == 0 ? count : weights.Sum(), sum = 0;
        return Enumerable.Range(0, count + 1).Select(i =>
        {
            if (i > 0) sum += weights.Count == 0 ? 1 : weights[i - 1];
            return MathF.Round((float)(from + (to - from) * sum / total));
        }).ToArray();
    }
}
