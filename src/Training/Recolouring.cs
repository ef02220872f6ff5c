using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace DenoiseService.Training;

/// <summary>
/// Changes the colours of clean training images at random, so that a network does not learn that the channels of a few photographs look alike: the
/// channels in any order, the brightness by 0.6 to 1.4, the saturation by 0.5 to 2.5 (uniform in its logarithm). Values stay in [0, 1].
/// </summary>
internal static class Recolouring
{
    /// <summary>Changes each image with a probability.</summary>
    /// <param name="clean">float32 (B, 3, H, W) in [0, 1]; changed in place.</param>
    /// <param name="share">0 to 1.</param>
    /// <param name="seed">Same seed, same changes.</param>
    public static void Apply(Tensor clean, double share, long seed)
    {
        var random = new Random((int)seed);
        int images = (int)clean.shape[0], plane = (int)(clean.shape[2] * clean.shape[3]);
        Span<float> values = MemoryMarshal.Cast<byte, float>(clean.bytes);
        for (int i = 0; i < images; i++)
        {
            if (random.NextDouble() >= share) continue;
            int[] order = [0, 1, 2];
            random.Shuffle(order);
            var brightness = (float)(0.6 + 0.8 * random.NextDouble());
            var saturation = (float)(0.5 * Math.Pow(5, random.NextDouble()));
            Recolour(values.Slice(i * 3 * plane, 3 * plane), plane, order, brightness, saturation);
        }
    }

    /// <summary>Channel c becomes brightness · (grey + saturation · (old channel order[c] − grey)), limited to [0, 1]; grey is the mean of the three.</summary>
    internal static void Recolour(Span<float> image, int plane, int[] order, float brightness, float saturation)
    {
        Span<float> old = stackalloc float[3];
        for (int p = 0; p < plane; p++)
        {
            (old[0], old[1], old[2]) = (image[p], image[plane + p], image[2 * plane + p]);
            float grey = (old[0] + old[1] + old[2]) / 3;
            for (int c = 0; c < 3; c++) image[c * plane + p] = Math.Clamp(brightness * (grey + saturation * (old[order[c]] - grey)), 0f, 1f);
        }
    }
}
