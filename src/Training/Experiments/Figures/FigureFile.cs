using DenoiseService.Model;
using ScottPlot;
using SkiaSharp;

namespace DenoiseService.Training.Experiments.Figures;

/// <summary>Writes figures: NAME.png and NAME.svg of the same drawing, each whole or not there.</summary>
public static class FigureFile
{
    private const int Margin = 8;

    /// <summary>False where the machine has no font: figures are drawn all the same, without any text, and a report should say so.</summary>
    public static bool HasFonts { get; } = HouseStyle.FontHasLetters();

    /// <summary>What a report says then.</summary>
    internal const string FontNote = "No font was found on this machine: the figures have no text.";

    /// <summary>Draws a panel, or a grid of them, on white.</summary>
    /// <param name="panel">What to draw.</param>
    /// <param name="folder">Where.</param>
    /// <param name="name">Of the files, without extension.</param>
    /// <param name="width">In pixels.</param>
    /// <param name="height">In pixels.</param>
    public static void Save(Panel panel, ExperimentFolder folder, string name, int width, int height)
    {
        var inside = new PixelRect(Margin, width - Margin, height - Margin, Margin);
        using (SKSurface surface = SKSurface.Create(new SKImageInfo(width, height)))
        {
            surface.Canvas.Clear(SKColors.White);
            panel.Draw(surface.Canvas, inside);
            using SKImage image = surface.Snapshot();
            using SKData png = image.Encode(SKEncodedImageFormat.Png, 100);
            AtomicFile.Write(folder.File($"{name}.png"), png.AsSpan());
        }

        using var svg = new MemoryStream();
        // The document is complete when its canvas is disposed.
        using (SKCanvas canvas = SKSvgCanvas.Create(new SKRect(0, 0, width, height), svg))
        using (var white = new SKPaint { Color = SKColors.White })
        {
            canvas.DrawRect(0, 0, width, height, white);
            panel.Draw(canvas, inside);
        }

        AtomicFile.Write(folder.File($"{name}.svg"), svg.ToArray());
    }
}
