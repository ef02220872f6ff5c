using ScottPlot;
using SkiaSharp;

namespace DenoiseService.Training.Experiments.Figures;

/// <summary>Names of what is drawn, in centred rows at the bottom of a panel. (The library's own legend panel cuts off what does not fit.)</summary>
internal static class Legend
{
    private const float Symbol = 26, Space = 8, Between = 22, Row = 22;

    /// <summary>Draws it at the bottom of an area and returns its height.</summary>
    public static float Draw(SKCanvas canvas, IReadOnlyList<LegendItem> items, PixelRect area)
    {
        using var paint = Paint.NewDisposablePaint();
        var label = new LabelStyle { FontName = HouseStyle.FontName, FontSize = HouseStyle.TickSize, Alignment = Alignment.MiddleLeft };
        float[] widths = items.Select(item => Symbol + Space + label.Measure(item.LabelText, paint).Width).ToArray();
        var rows = new List<List<int>> { new() };
        float used = 0;
        for (int i = 0; i < items.Count; i++)
        {
            if (used > 0 && used + Between + widths[i] > area.Width)
            {
                rows.Add([]);
                used = 0;
            }

            used += (used > 0 ? Between : 0) + widths[i];
            rows[^1].Add(i);
        }

        float height = Row * rows.Count + Space;
        for (int r = 0; r < rows.Count; r++)
        {
            float x = area.HorizontalCenter - (rows[r].Sum(i => widths[i]) + Between * (rows[r].Count - 1)) / 2, y = area.Bottom - height + Space + Row * (r + 0.5f);
            foreach (int i in rows[r])
            {
                LegendItem item = items[i];
                if (item.FillColor.A > 0) Drawing.FillRectangle(canvas, new PixelRect(x, x + Symbol, y + 6, y - 6), paint, item.FillStyle);
                if (item.LinePattern.Name != LinePattern.Solid.Name) DashedLine.Draw(canvas, [new Pixel(x, y), new Pixel(x + Symbol, y)], item.LineColor, item.LineWidth, item.LinePattern.Name == LinePattern.Dotted.Name ? 2 : 8, 4);
                else if (item.LineWidth > 0) Drawing.DrawLine(canvas, paint, new PixelLine(x, y, x + Symbol, y), item.LineStyle);
                Drawing.DrawMarker(canvas, paint, new Pixel(x + Symbol / 2, y), item.MarkerStyle);
                label.Render(canvas, new Pixel(x + Symbol + Space, y), paint, item.LabelText);
                x += widths[i] + Between;
            }
        }

        return height;
    }
}
