using System.Text.Json;

namespace DenoiseService.Training.Tests;

public sealed class MetricsTests
{
    private sealed record Case(string Name, int Height, int Width, int Channels, string Measure, string Formula, long Seed, double Amplitude, double Psnr, double Ssim);

    private sealed record Reference(IReadOnlyList<Case> Cases);

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    /// <summary>The pairs of reference/skimage_values.py, which says how they are made.</summary>
    [Fact]
    public void Psnr_and_ssim_equal_scikit_image()
    {
        Reference reference = JsonSerializer.Deserialize<Reference>(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "reference/skimage_values.json")), Json)!;
        Assert.True(reference.Cases.Count >= 15);
        foreach (Case pair in reference.Cases)
        {
            (float[] clean, float[] noisy) = Build(pair);
            // Our luma is rounded to float32, scikit-image's was not: that, not the metric, sets the tolerance of those cases.
            double tolerance = pair.Measure == "y" ? 1e-5 : 1e-9;
            if (pair.Measure == "y") (clean, noisy) = (Metrics.Luma(clean, pair.Height * pair.Width), Metrics.Luma(noisy, pair.Height * pair.Width));
            double psnr = Metrics.Psnr(clean, noisy), ssim = Metrics.Ssim(clean, noisy, pair.Height, pair.Width);
            Assert.True(Math.Abs(psnr - pair.Psnr) < tolerance, $"{pair.Name}: PSNR {psnr}, scikit-image {pair.Psnr}");
            Assert.True(Math.Abs(ssim - pair.Ssim) < tolerance, $"{pair.Name}: SSIM {ssim}, scikit-image {pair.Ssim}");
        }
    }

    [Fact]
    public void Equal_images_score_infinity_and_one()
    {
        float[] image = Small.Patches(1, 16).Image(0);
        Assert.Equal(double.PositiveInfinity, Metrics.Psnr(image, image));
        Assert.Equal(1, Metrics.Ssim(image, image, 16, 16), 1e-12);
    }

    [Fact]
    public void Images_of_different_size_or_too_small_are_refused()
    {
        Assert.Throws<ArgumentException>(() => Metrics.Psnr(new float[3], new float[4]));
        Assert.Throws<ArgumentException>(() => Metrics.Ssim(new float[36], new float[36], 6, 6));
    }

    [Fact]
    public void The_standard_deviation_is_that_of_the_population()
    {
        MeanSd stats = MeanSd.Of([1.0, 2, 3, 4]);
        Assert.Equal((2.5, Math.Sqrt(1.25)), (stats.Mean, stats.Sd));
    }

    private static (float[] Clean, float[] Noisy) Build(Case pair)
    {
        int pixels = pair.Height * pair.Width;
        float[] clean = new float[pair.Channels * pixels], noisy = new float[clean.Length];
        for (int i = 0; i < clean.Length; i++)
        {
            int c = i / pixels, y = i % pixels / pair.Width, x = i % pair.Width;
            double value = Clean(pair, y, x, c), noise = pair.Amplitude * (Hash(y, x, c, pair.Seed + 1000) - 0.5);
            clean[i] = (float)value;
            noisy[i] = (float)Math.Min(Math.Max(value + noise, 0), 1);
        }

        return (clean, noisy);
    }

    private static double Clean(Case pair, int y, int x, int c) => pair.Formula switch
    {
        "hash" => Hash(y, x, c, pair.Seed),
        "ramp" => 0.5 + 0.5 * ((x + 2 * y + 5 * c + pair.Seed) % 37) / 37.0,
        "blocks" => 0.125 + 0.75 * ((y / 8 + x / 8 + c + pair.Seed) % 4) / 3.0,
        "gradient" => (x * 3 + y * 2 + c * 7 + pair.Seed) / (double)((pair.Width - 1) * 3 + (pair.Height - 1) * 2 + 14 + pair.Seed),
        "flat" => 0.5,
        _ => throw new ArgumentException(pair.Formula),
    };

    private static double Hash(long y, long x, long c, long seed) => (y * 7919 + x * 104729 + c * 1299709 + seed * 15485863) % 1000003 / 1000003.0;
}
