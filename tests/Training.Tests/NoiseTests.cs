using DenoiseService.Model;
using static TorchSharp.torch;

namespace DenoiseService.Training.Tests;

public sealed class NoiseTests
{
    [Fact]
    public void Noise_has_the_asked_mean_and_spread()
    {
        float[] noisy = Noise.Add(Enumerable.Repeat(0.5f, 200_000).ToArray(), 0.1, clamp: false, seed: 3);
        MeanSd stats = MeanSd.Of(noisy.Select(v => (double)v).ToArray());
        Assert.Equal(0.5, stats.Mean, 2e-3);
        Assert.Equal(0.1, stats.Sd, 2e-3);
    }

    [Fact]
    public void Clamped_noise_stays_in_range_and_unclamped_does_not()
    {
        float[] clean = Enumerable.Repeat(0.02f, 1000).ToArray();
        Assert.All(Noise.Add(clean, 0.2, clamp: true, seed: 1), v => Assert.InRange(v, 0f, 1f));
        Assert.Contains(Noise.Add(clean, 0.2, clamp: false, seed: 1), v => v < 0);
    }

    [Fact]
    public void Only_the_asked_share_of_a_batch_is_clamped()
    {
        using var clean = zeros(8, 3, 8, 8);
        using var sigma = full(8, 0.5f);
        using var noisy = Noise.Add(clean, sigma, 0.5, 1);
        float[] minima = Enumerable.Range(0, 8).Select(i => noisy[i].min().item<float>()).ToArray();
        Assert.All(minima.Take(4), m => Assert.Equal(0, m));
        Assert.All(minima.Skip(4), m => Assert.True(m < 0));
    }

    [Fact]
    public void Each_image_has_its_own_sigma()
    {
        using var clean = full(new long[] { 2, 3, 64, 64 }, 0.5f);
        using var sigma = tensor(new[] { 0f, 0.1f });
        using var noisy = Noise.Add(clean, sigma, 1, 1);
        Assert.Equal(0, noisy[0].std().item<float>());
        Assert.Equal(0.1, noisy[1].std().item<float>(), 5e-3);
    }

    [Fact]
    public void Grain_differs_from_image_to_image_up_to_the_most_and_leaves_the_clean_batch_alone()
    {
        using var clean = full(new long[] { 64, 3, 32, 32 }, 0.5f);
        using Tensor grainy = Noise.WithGrain(clean, 0.05, seed: 4), again = Noise.WithGrain(clean, 0.05, seed: 4), edge = Noise.WithGrain(zeros_like(clean), 0.05, seed: 4);
        double[] levels = Enumerable.Range(0, 64).Select(i => (double)grainy[i].std().item<float>()).ToArray();
        Assert.All(levels, level => Assert.InRange(level, 0, 0.05 * 1.05)); // 3,072 samples: the spread is known to about 1.3 %
        Assert.Equal(0.025, levels.Average(), 5e-3);
        Assert.True(levels.Max() > 2 * levels.Min());
        Assert.Equal(0.5, grainy.mean().item<float>(), 1e-3);
        Assert.Equal(0.5f, clean.max().item<float>());
        Assert.Equal(grainy.data<float>().ToArray(), again.data<float>().ToArray());
        Assert.Equal(0, edge.min().item<float>());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(1.5)]
    [InlineData(3)]
    public void Levels_lie_between_least_and_most_and_a_power_draws_low_ones_more_often(double power)
    {
        using Tensor levels = Noise.Levels(100_000, 0.1, 0.5, power, seed: 2), again = Noise.Levels(100_000, 0.1, 0.5, power, seed: 2);
        float[] values = levels.data<float>().ToArray();
        Assert.All(values, v => Assert.InRange(v, 0.1f, 0.5f));
        Assert.Equal(0.1 + 0.4 / (power + 1), values.Average(), 2e-3); // ∫ u^p du = 1 / (p + 1)
        Assert.Equal(values, again.data<float>().ToArray());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.3)]
    [InlineData(1)]
    public void The_asked_share_of_images_is_told_its_level(double share)
    {
        using Tensor sigma = Noise.Levels(10_000, 0.1, 0.5, 1, seed: 2), told = Noise.Told(sigma, share, seed: 4);
        (float Sigma, float Told)[] pairs = [.. sigma.data<float>().Zip(told.data<float>())];
        Assert.All(pairs, p => Assert.True(p.Told == p.Sigma || p.Told == NoiseLevel.Unknown));
        Assert.Equal(share, pairs.Count(p => p.Told == p.Sigma) / 10_000.0, 0.02);
    }

    [Fact]
    public void Smoothed_noise_has_its_level_up_to_the_border_and_neighbours_alike()
    {
        const int height = 300, width = 200;
        float[] noise = Noise.AddSmoothed(new float[3 * height * width], height, width, 0.1, clamp: false, seed: 2);
        Assert.Equal(0, noise.Average(), 0.002);
        Assert.Equal(0.1, Math.Sqrt(noise.Average(v => v * v)), 0.001);
        Assert.Equal(0.1, Math.Sqrt(noise.Where((_, i) => i % width is 0 or width - 1).Average(v => v * v)), 0.01);
        Assert.Equal(2 / 3.0, Correlation(1), 0.02); // of [1 2 1] with itself, one pixel on: 4 / 6
        Assert.Equal(2 / 3.0, Correlation(width), 0.02);
        Assert.Equal(0, Correlation(3), 0.02);
        Assert.Equal(0, Correlation(height * width), 0.02); // colours
        Assert.All(Noise.AddSmoothed(noise, height, width, 0.2, clamp: true, seed: 3), v => Assert.InRange(v, 0f, 1f));

        double Correlation(int apart) => noise.Skip(apart).Zip(noise, (a, b) => a * b).Average() / 0.01;
    }

    [Fact]
    public void Same_seed_same_noise()
    {
        var clean = new float[100];
        Assert.Equal(Noise.Add(clean, 0.2, false, 5), Noise.Add(clean, 0.2, false, 5));
        Assert.NotEqual(Noise.Add(clean, 0.2, false, 5), Noise.Add(clean, 0.2, false, 6));
        Assert.Equal(Noise.AddSmoothed(clean, 1, clean.Length, 0.2, false, 5), Noise.AddSmoothed(clean, 1, clean.Length, 0.2, false, 5));
    }
}
