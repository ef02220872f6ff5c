using System.Text.Json.Serialization;
using DenoiseService.Model;
using static TorchSharp.torch;

namespace DenoiseService.Training;

/// <summary>How the noise of neighbouring pixels hangs together.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<NoiseKind>))]
public enum NoiseKind
{
    /// <summary>Every sample has noise of its own.</summary>
    White,

    /// <summary>White noise, smoothed by [1 2 1] / 4 down and across and brought back to its σ: much like what demosaicing and downscaling leave. Colours stay independent.</summary>
    Smoothed,
}

/// <summary>Additive Gaussian noise, white unless said otherwise: noisy = clean + σ·N(0, 1), by default clamped to [0, 1] as every stored picture is.</summary>
public static class Noise
{
    /// <summary>Draws a noise level for each image of a batch: least + (most − least) · u^power with u uniform in [0, 1).</summary>
    /// <param name="count">B.</param>
    /// <param name="least">In units of 1, as the result.</param>
    /// <param name="most">≥ least.</param>
    /// <param name="power">Above 0; 1 draws all levels alike, more draws low ones more often.</param>
    /// <param name="seed">Same seed, same levels.</param>
    /// <returns>float32 (B).</returns>
    public static Tensor Levels(int count, double least, double most, double power, long seed)
    {
        using var generator = new Generator((ulong)seed, CPU);
        return rand(count, generator: generator).pow(full(1, (float)power)).Scale(most - least).Increase(full(1, (float)least)); // (B)
    }

    /// <summary>What a network is told of a batch: σ for some of its images, <see cref="NoiseLevel.Unknown"/> for the others.</summary>
    /// <param name="sigma">float32 (B).</param>
    /// <param name="share">0 to 1: how likely each is told.</param>
    /// <param name="seed">Same seed, same images.</param>
    public static Tensor Told(Tensor sigma, double share, long seed)
    {
        using var generator = new Generator((ulong)seed, CPU);
        Tensor told = rand(sigma.shape, generator: generator).less(full(1, (float)share)); // (B)
        return where(told, sigma, full(sigma.shape, NoiseLevel.Unknown)); // (B)
    }

    /// <summary>Gives each clean image grain: white noise with a level of its own, uniform from 0 to most. Values stay in [0, 1].</summary>
    /// <param name="clean">float32 (B, C, H, W) in [0, 1].</param>
    /// <param name="most">In units of 1.</param>
    /// <param name="seed">Same seed, same grain.</param>
    public static Tensor WithGrain(Tensor clean, double most, long seed) =>
        Add(clean, Levels((int)clean.shape[0], 0, most, 1, Seeds.Derive(seed, 1, 0)), clampedShare: 1, Seeds.Derive(seed, 2, 0));

    /// <summary>Adds noise to a batch, each image with its own σ.</summary>
    /// <param name="clean">float32 (B, C, H, W) in [0, 1].</param>
    /// <param name="sigma">float32 (B), in units of 1, not of 255.</param>
    /// <param name="clampedShare">Share of the batch, from its start, that is clamped to [0, 1].</param>
    /// <param name="seed">Same seed, same noise.</param>
    public static Tensor Add(Tensor clean, Tensor sigma, double clampedShare, long seed)
    {
        using var generator = new Generator((ulong)seed, CPU);
        Tensor noisy = clean.Plus(randn(clean.shape, generator: generator) * sigma.view(-1, 1, 1, 1)); // (B, C, H, W)
        long clamped = (long)Math.Round(clampedShare * clean.shape[0]);
        if (clamped > 0) noisy.narrow(0, 0, clamped).ClampToUnitInPlace();
        return noisy;
    }

    /// <summary>Adds noise to one picture.</summary>
    /// <param name="clean">Samples in [0, 1].</param>
    /// <param name="sigma">In units of 1, not of 255.</param>
    /// <param name="clamp">Clamp the result to [0, 1].</param>
    /// <param name="seed">Same seed, same noise.</param>
    public static float[] Add(ReadOnlySpan<float> clean, double sigma, bool clamp, long seed)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using var generator = new Generator((ulong)seed, CPU);
        return Add(clean, randn(clean.Length, generator: generator), sigma, clamp);
    }

    /// <summary>Adds noise whose neighbours hang together (<see cref="NoiseKind.Smoothed"/>) to one picture.</summary>
    /// <param name="clean">Samples in [0, 1], planar, (C, H, W).</param>
    /// <param name="height">H.</param>
    /// <param name="width">W.</param>
    /// <param name="sigma">In units of 1, not of 255: of the noise after smoothing.</param>
    /// <param name="clamp">Clamp the result to [0, 1].</param>
    /// <param name="seed">Same seed, same noise.</param>
    public static float[] AddSmoothed(ReadOnlySpan<float> clean, int height, int width, double sigma, bool clamp, long seed)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using var generator = new Generator((ulong)seed, CPU);
        Tensor white = randn([clean.Length / (height * width), 1, height + 2, width + 2], generator: generator); // a pixel more on every side, so that the border is as noisy as the rest
        Tensor line = tensor(new float[] { 1, 2, 1 }).Times(1 / Math.Sqrt(6)), smoothing = line.outer(line).view(1, 1, 3, 3); // of norm 1
        return Add(clean, nn.functional.conv2d(white, smoothing).flatten(), sigma, clamp);
    }

    private static float[] Add(ReadOnlySpan<float> clean, Tensor noise, double sigma, bool clamp)
    {
        float[] noisy = noise.data<float>().ToArray();
        for (int i = 0; i < noisy.Length; i++)
        {
            float value = clean[i] + (float)sigma * noisy[i];
            noisy[i] = clamp ? Math.Clamp(value, 0f, 1f) : value;
        }

        return noisy;
    }
}
