using DenoiseService.Imaging;

namespace DenoiseService.Bench;

/// <summary>A picture of any size with structure and noise, always the same.</summary>
internal static class TestPicture
{
    public static Picture Noisy(int height, int width)
    {
        var samples = new float[3 * height * width];
        Parallel.For(0, 3 * height, row =>
        {
            var random = new Random(row);
            int channel = row / height, y = row % height;
            for (int x = 0; x < width; x++)
            {
                double clean = 0.5 + 0.25 * Math.Sin(x * 0.02 + channel) * Math.Cos(y * 0.015) + ((x / 97 + y / 61) % 2 == 0 ? 0.1 : -0.1);
                samples[row * width + x] = (float)Math.Clamp(clean + 0.1 * (random.NextDouble() + random.NextDouble() + random.NextDouble() - 1.5), 0, 1);
            }
        });
        return new Picture(samples, 3, height, width);
    }
}
