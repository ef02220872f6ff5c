using ScottPlot;
using SkiaSharp;

namespace DenoiseService.Training.Experiments.Figures;

/// <summary>A dashed line made of short lines, for the SVG writer drops dash patterns. Through points, or across the whole panel.</summary>
internal sealed class DashedLine(string name, Color colour, float width, float on, float off) : IPlottable
{
    /// <summary>The line's points.</summary>
    public IReadOnlyList<Coordinates> Points { get; init; } = [];

    /// <summary>Instead of points: upright at this x.</summary>
    public double? X { get; init; }

    /// <summary>Instead of points: level at this y.</summary>
    public double? Y { get; init; }

    public bool IsVisible { get; set; } = true;

    public IAxes Axes { get; set; } = new Axes();

    public IEnumerable<LegendItem> LegendItems => name.Length == 0 ? [] : [new LegendItem { LabelText = name, LineColor = colour, LineWidth = width, LinePattern = off > on ? LinePattern.Dotted : LinePattern.Dashed }];

    public AxisLimits GetAxisLimits() =>
        X is { } x ? AxisLimits.HorizontalOnly(x, x) : Y is { } y ? AxisLimits.VerticalOnly(y, y) : new AxisLimits(Points.Min(p => p.X), Points.Max(p => p.X), Points.Min(p => p.Y), Points.Max(p => p.Y));

    public void Render(RenderPack rp)
    {
        Pixel[] pixels = X is { } x ? [new(Axes.GetPixelX(x), rp.DataRect.Bottom), new(Axes.GetPixelX(x), rp.DataRect.Top)]
            : Y is { } y ? [new(rp.DataRect.Left, Axes.GetPixelY(y)), new(rp.DataRect.Right, Axes.GetPixelY(y))]
            : [.. Points.Select(Axes.GetPixel)];
        Draw(rp.Canvas, pixels, colour, width, on, off);
    }

    /// <summary>Dashes along a path of pixels.</summary>
    public static void Draw(SKCanvas canvas, IReadOnlyList<Pixel> path, Color colour, float width, float on, float off)
    {
        using var paint = new SKPaint { Color = new SKColor(colour.R, colour.G, colour.B), StrokeWidth = width, IsStroke = true, IsAntialias = true };
        float phase = 0; // how far into dash and gap
        for (int i = 1; i < path.Count; i++)
        {
            Pixel a = path[i - 1], b = path[i];
            float length = MathF.Sqrt((b.X - a.X) * (b.X - a.X) + (b.Y - a.Y) * (b.Y - a.Y));
            for (float at = 0; at < length;)
            {
                bool drawn = phase < on;
                float step = Math.Min(length - at, (drawn ? on : on + off) - phase);
                if (drawn) canvas.DrawLine(Between(at), Between(at + step), paint);
                at += step;
                phase = phase + step >= on + off - 1e-3f ? 0 : phase + step;
                if (step <= 1e-4f) break;
            }

            SKPoint Between(float at) => new(a.X + (b.X - a.X) * at / length, a.Y + (b.Y - a.Y) * at / length);
        }
    }
}
