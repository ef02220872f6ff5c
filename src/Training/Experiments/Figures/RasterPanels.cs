using System.Globalization;
using ScottPlot;
using SkiaSharp;

namespace DenoiseService.Training.Experiments.Figures;

/// <summary>A raster without axes: a picture, a map, an assignment.</summary>
public abstract record RasterPanel : Panel
{
    internal abstract (int Height, int Width) Size { get; }

    internal abstract Color At(int y, int x);

    /// <summary>As large as it fits, in the middle. Every cell becomes a block, so that no viewer smooths a small map.</summary>
    internal sealed override void Draw(SKCanvas canvas, PixelRect area)
    {
        (int height, int width) = Size;
        int block = Math.Max(1, 256 / Math.Max(height, width));
        using var bitmap = new SKBitmap(width * block, height * block);
        for (int y = 0; y < bitmap.Height; y++)
        {
            for (int x = 0; x < bitmap.Width; x++)
            {
                Color colour = At(y / block, x / block);
                bitmap.SetPixel(x, y, new SKColor(colour.R, colour.G, colour.B));
            }
        }

        float scale = Math.Min(area.Width / width, area.Height / height), halfWidth = width * scale / 2, halfHeight = height * scale / 2;
        using SKImage image = SKImage.FromBitmap(bitmap);
        canvas.DrawImage(image, new SKRect(area.HorizontalCenter - halfWidth, area.VerticalCenter - halfHeight, area.HorizontalCenter + halfWidth, area.VerticalCenter + halfHeight), new SKSamplingOptions(SKFilterMode.Linear));
    }
}

/// <summary>Rasters in rows and columns that have names.</summary>
/// <param name="Columns">Names above the columns; may be empty texts.</param>
/// <param name="Rows">Names beside the rows, turned.</param>
/// <param name="Cells">Row by row; null leaves a place empty.</param>
public sealed record RasterGridPanel(IReadOnlyList<string> Columns, IReadOnlyList<string> Rows, IReadOnlyList<RasterPanel?> Cells) : Panel
{
    private const float Names = 26, Gap = 10;

    internal override void Draw(SKCanvas canvas, PixelRect area)
    {
        float left = area.Left + (Rows.Any(r => r.Length > 0) ? Names : 0), top = area.Top + (Columns.Any(c => c.Length > 0) ? Names : 0);
        float[] x = GridPanel.Edges(left, area.Right + Gap, [], Columns.Count);
        // Rows no higher than their rasters: the names stay near to what they name.
        float tallest = Cells.OfType<RasterPanel>().Max(c => (x[1] - x[0] - Gap) * c.Size.Height / c.Size.Width) + Gap;
        float[] y = GridPanel.Edges(top, Math.Min(area.Bottom + Gap, top + Rows.Count * tallest), [], Rows.Count);
        for (int c = 0; c < Columns.Count; c++) HouseStyle.Write(canvas, Columns[c], (x[c] + x[c + 1] - Gap) / 2, area.Top, Alignment.UpperCenter);
        for (int r = 0; r < Rows.Count; r++) HouseStyle.Write(canvas, Rows[r], area.Left + Names / 2, (y[r] + y[r + 1] - Gap) / 2, Alignment.MiddleCenter, rotation: -90);
        for (int i = 0; i < Cells.Count; i++)
        {
            int c = i % Columns.Count, r = i / Columns.Count;
            Cells[i]?.Draw(canvas, new PixelRect(x[c], x[c + 1] - Gap, y[r + 1] - Gap, y[r]));
        }
    }
}

/// <summary>A picture.</summary>
/// <param name="Rgb">[y, x, channel] in [0, 1].</param>
public sealed record PicturePanel(float[,,] Rgb) : RasterPanel
{
    internal override (int Height, int Width) Size => (Rgb.GetLength(0), Rgb.GetLength(1));

    internal override Color At(int y, int x) => new(Byte(Rgb[y, x, 0]), Byte(Rgb[y, x, 1]), Byte(Rgb[y, x, 2]));

    private static byte Byte(float value) => (byte)Math.Round(Math.Clamp(value, 0, 1) * 255);
}

/// <summary>A map in the colours of a <see cref="ColourBarPanel"/> of the same range.</summary>
/// <param name="Values">[y, x]; outside the range they take its ends' colours, NaN is white.</param>
/// <param name="Low">Of the range.</param>
/// <param name="High">Of the range.</param>
public sealed record MapPanel(double[,] Values, double Low = 0, double High = 1) : RasterPanel
{
    internal override (int Height, int Width) Size => (Values.GetLength(0), Values.GetLength(1));

    internal override Color At(int y, int x) => double.IsNaN(Values[y, x]) ? Colors.White : HouseStyle.Heat.GetColor(Math.Clamp((Values[y, x] - Low) / (High - Low), 0, 1));
}

/// <summary>A map of choices, each in its colour; a <see cref="ChoiceKeyPanel"/> names them.</summary>
/// <param name="Choices">[y, x], from 0.</param>
public sealed record ChoicePanel(int[,] Choices) : RasterPanel
{
    internal override (int Height, int Width) Size => (Choices.GetLength(0), Choices.GetLength(1));

    internal override Color At(int y, int x) => HouseStyle.ColourOf(Choices[y, x]);
}

/// <summary>The colours of maps, upright, with numbers: best as a narrow last column.</summary>
/// <param name="Label">What they mean, with the unit.</param>
/// <param name="Low">Of the range.</param>
/// <param name="High">Of the range.</param>
public sealed record ColourBarPanel(string Label, double Low = 0, double High = 1) : PlotPanel
{
    internal override Plot Build()
    {
        Plot plot = HouseStyle.NewPlot("", "", "");
        var pixels = new byte[256, 1, 3];
        for (int i = 0; i < 256; i++)
        {
            Color colour = HouseStyle.Heat.GetColor(1 - i / 255.0);
            (pixels[i, 0, 0], pixels[i, 0, 1], pixels[i, 0, 2]) = (colour.R, colour.G, colour.B);
        }

        plot.Add.ImageRect(new Image(pixels), new CoordinateRect(0, 1, 0, 1));
        plot.Axes.SetLimits(0, 1, 0, 1);
        plot.HideGrid();
        foreach (IAxis axis in plot.Axes.GetAxes()) axis.TickGenerator = new ScottPlot.TickGenerators.EmptyTickGenerator();
        double[] at = [0, 0.25, 0.5, 0.75, 1];
        plot.Axes.Right.TickGenerator = new ScottPlot.TickGenerators.NumericManual(at, at.Select(a => (Low + a * (High - Low)).ToString("0.###", CultureInfo.InvariantCulture)).ToArray());
        plot.Axes.Right.Label.Text = Label;
        plot.Axes.Right.Label.FontSize = HouseStyle.LabelSize;
        foreach (ScottPlot.Plottables.ImageRect bar in plot.GetPlottables<ScottPlot.Plottables.ImageRect>()) bar.Axes.YAxis = plot.Axes.Right;
        plot.Axes.SetLimitsY(0, 1, plot.Axes.Right);
        plot.Layout.Fixed(new PixelPadding(8, 72, 20, 34));
        return plot;
    }
}

/// <summary>Names of the colours of choices, under each other.</summary>
/// <param name="Names">In the order of the choices.</param>
public sealed record ChoiceKeyPanel(IReadOnlyList<string> Names) : Panel
{
    internal override void Draw(SKCanvas canvas, PixelRect area)
    {
        const float line = 26, swatch = 14;
        for (int i = 0; i < Names.Count; i++)
        {
            float middle = area.Top + line * (i + 0.5f);
            Color colour = HouseStyle.ColourOf(i);
            using var paint = new SKPaint { Color = new SKColor(colour.R, colour.G, colour.B) };
            canvas.DrawRect(area.Left + 8, middle - swatch / 2, swatch, swatch, paint);
            HouseStyle.Write(canvas, Names[i], area.Left + 16 + swatch, middle, Alignment.MiddleLeft);
        }
    }
}
