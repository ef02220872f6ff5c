using DenoiseService.Imaging;
using DenoiseService.Model;

namespace DenoiseService.Api.Routing;

/// <summary>Paints the chosen expert of every patch over the picture.</summary>
internal static class RoutingOverlay
{
    private const float ShareOfColour = 0.45f;

    // Okabe and Ito's palette, which colour-blind people can tell apart; from the expert with the fewest keys to the one with the most.
    private static readonly (float Red, float Green, float Blue)[] Palette =
    [
        Of(0x56B4E9), Of(0xF0E442), Of(0xD55E00), Of(0x009E73), Of(0xCC79A7), Of(0x0072B2), Of(0xE69F00), Of(0x000000),
    ];

    /// <summary>The names of the colours, for the documentation.</summary>
    public const string Legend = "expert 0 sky blue, 1 yellow, 2 vermilion, 3 green, 4 purple, 5 blue, 6 orange, 7 black, then again";

    /// <summary>A new picture, RGB, 8 bits. Patches that stick out of the picture stay as they are.</summary>
    public static Picture Draw(Picture picture, RoutingMap map, int block)
    {
        int height = picture.Height, width = picture.Width, plane = height * width;
        var samples = new float[3 * plane];
        for (int channel = 0; channel < 3; channel++)
        {
            picture.Samples.AsSpan(Math.Min(channel, picture.Channels - 1) * plane, plane).CopyTo(samples.AsSpan(channel * plane));
        }

        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                int expert = map.ChosenExpert(block, y / map.PatchSide, x / map.PatchSide);
                if (expert == RoutingMap.Padded) continue;
                (float red, float green, float blue) = Palette[expert % Palette.Length];
                int at = y * width + x;
                Blend(ref samples[at], red);
                Blend(ref samples[plane + at], green);
                Blend(ref samples[2 * plane + at], blue);
            }
        }

        return new Picture(samples, 3, height, width);
    }

    private static void Blend(ref float sample, float colour) => sample += ShareOfColour * (colour - sample);

    private static (float Red, float Green, float Blue) Of(int rgb) => ((rgb >> 16) / 255f, (rgb >> 8 & 255) / 255f, (rgb & 255) / 255f);
}
