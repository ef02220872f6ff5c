using System.Globalization;
using DenoiseService.Imaging;
using DenoiseService.Model;

namespace DenoiseService.Training.Experiments;

/// <summary>Routing maps as plain pictures at the size of the picture's whole patches, so that they lie over it.</summary>
internal static class RoutingMapPictures
{
    private const int FigureSide = 512;

    /// <summary>Every block's experts, black for probability 0 and white for 1, and the chosen experts from black, the first, to white, the last.</summary>
    public static void Write(ExperimentFolder folder, RoutingImage image, PatchRouting[] maps, int patchSide)
    {
        for (int block = 0; block < maps.Length; block++)
        {
            PatchRouting map = maps[block];
            for (int e = 0; e < map.Experts; e++) Save(map.Of(e), map, $"expert{e + 1}");
            Save(map.Chosen().Select(c => c / (map.Experts - 1.0)).ToArray(), map, "chosen");

            void Save(double[] values, PatchRouting of, string what)
            {
                string name = string.Create(CultureInfo.InvariantCulture, $"{image.Index:D4}-block{block + 1}-{what}.png");
                AtomicFile.Write(folder.File("maps", name), ImageCodec.Encode(Enlarged(values, of.Rows, of.Columns, patchSide), ImageFormat.Png));
            }
        }
    }

    /// <summary>Every value a square of side × side pixels, grey.</summary>
    public static Picture Enlarged(double[] values, int rows, int columns, int side)
    {
        var samples = new float[rows * side * columns * side];
        for (int i = 0; i < samples.Length; i++) samples[i] = (float)values[i / (columns * side) / side * columns + i % (columns * side) / side];
        return new Picture(samples, 1, rows * side, columns * side);
    }

    /// <summary>The picture, or means of squares of it so that it has at most 512 pixels a side: what a figure can show.</summary>
    public static Picture Shrunk(Picture picture)
    {
        int by = (Math.Max(picture.Height, picture.Width) + FigureSide - 1) / FigureSide;
        if (by == 1) return picture;
        int height = Math.Max(1, picture.Height / by), width = Math.Max(1, picture.Width / by), down = Math.Min(by, picture.Height), across = Math.Min(by, picture.Width);
        var samples = new float[picture.Channels * height * width];
        for (int i = 0; i < samples.Length; i++)
        {
            int channel = i / (height * width), top = i / width % height * down, left = i % width * across;
            for (int y = 0; y < down; y++)
            {
                foreach (float sample in picture.Samples.AsSpan((channel * picture.Height + top + y) * picture.Width + left, across)) samples[i] += sample / (down * across);
            }
        }

        return new Picture(samples, picture.Channels, height, width);
    }
}
