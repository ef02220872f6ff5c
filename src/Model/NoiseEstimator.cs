using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace DenoiseService.Model;

/// <summary>
/// How noisy an image is, seen from the image: small convolutions, their answers averaged over squares of 16×16 pixels, each square's logarithms weighed by a small network, and the mean
/// of all squares. float32 throughout, for a mean over bfloat16 would be coarser than what it estimates.
/// </summary>
internal sealed class NoiseEstimator : Module<Tensor, Tensor>
{
    private const int Channels = 16, Square = 4;

    // What half the resolution may see beyond the whole and still be texture: 3.4 of 255 was the most in 484 tiles of clean pictures (docs/LOG.md). Smaller tiles have too few squares to tell.
    private const double Texture = 3.5 / 255;
    private const int LeastSide = 64;

    // Of the parts that it also learns from, in pixels: a small image shows less of the noise, and more of its border.
    private const int PartSide = 32;

    // A network told half of the noise leaves 4 dB and more behind, told twice of it 1.4 dB (docs/RESULTS.md): too low is worse than too high.
    private const double TooLow = 3;

    [ComponentName(Name = "first")] private readonly Conv2d _first;
    [ComponentName(Name = "second")] private readonly Conv2d _second;
    [ComponentName(Name = "weigh")] private readonly Linear _weigh;
    [ComponentName(Name = "level")] private readonly Linear _level;

    public NoiseEstimator() : base(nameof(NoiseEstimator))
    {
        _first = Conv2d(12, Channels, 3, stride: 2L, padding: 1L);
        _second = Conv2d(Channels, Channels, 3, padding: 1L);
        _weigh = Linear(Channels, Channels);
        _level = Linear(Channels, 1);
        RegisterComponents();
    }

    /// <summary>Numbers that it learns.</summary>
    public static long Parameters => (9 * 12 + 1) * Channels + (9 * Channels + 1) * Channels + (Channels + 1) * Channels + Channels + 1;

    /// <summary>(B, 3, T, T) → (B), a logarithm of σ (<see cref="Logarithm"/>).</summary>
    public override Tensor forward(Tensor image)
    {
        // The library's convolutions for AVX2 take channels by eights and read what happens to be in memory for those that are missing of the last eight: so none is missing (docs/LOG.md).
        Tensor squares = PixelSquares.Of(image, 16); // (B, 16, T/2, T/2), the last four 0
        Tensor x = functional.conv2d(squares, functional.pad(_first.weight, [0, 0, 0, 0, 0, 4]), _first.bias, strides: [2, 2], padding: [1, 1]); // (B, C, T/4, T/4)
        x = functional.relu(_second.call(functional.relu(x))); // (B, C, T/4, T/4)
        Tensor means = Logarithm(functional.avg_pool2d(x, Math.Min(Square, x.shape[3]))).permute(0, 2, 3, 1); // (B, T/16, T/16, C)
        return _level.call(functional.relu(_weigh.call(means)).mean([1L, 2L])).view(-1); // (B)
    }

    /// <summary>
    /// (B, 3, T, T) → (B), the level to read where none is told. Noise that is correlated between pixels (grain, demosaicing, downscaling) looks like texture; at half the resolution it is nearly white again.
    /// Where that shows clearly more noise than the whole resolution, the level goes up to 1.75 times of it, for a network made for white noise removes correlated noise only if told a level above its own.
    /// </summary>
    public Tensor Estimate(Tensor image)
    {
        Tensor whole = Level(call(image)); // (B)
        if (training || image.shape[3] < LeastSide) return whole;
        Tensor half = Level(call(PixelSquares.Means(image))).Times(2); // (B); a mean of 2×2 has half the σ of white noise
        Tensor clearly = (half - whole.Times(1.1)).Times(1 / Texture).Plus(-1).ClampToUnit(); // (B), from 0, white, to 1, correlated
        Tensor missing = ((half - whole) / half.Plus(1e-6)).Times(2).ClampToUnit(); // (B), 1 where the whole resolution sees at most a half of it
        return whole.Plus(clearly * (half * missing.Times(0.75).Plus(1) - whole)); // (B)
    }

    /// <summary>
    /// What it learns by, as a mean over estimates: the squared difference of the logarithms, three times where the estimate is too low. Estimates of parts of the images, 32 pixels a side, count as much as those of the
    /// whole images; what is left over at the right and below belongs to no part, and an image that is smaller is one.
    /// </summary>
    /// <param name="image">(B, 3, T, T).</param>
    /// <param name="sigma">(B).</param>
    public Tensor Loss(Tensor image, Tensor sigma)
    {
        long side = Math.Min(PartSide, image.shape[3]);
        Tensor parts = image.unfold(2, side, side).unfold(3, side, side).permute(0, 2, 3, 1, 4, 5); // (B, down, across, 3, side, side)
        Tensor wanted = Logarithm(sigma).unsqueeze(-1); // (B, 1)
        return Off(forward(image)).Plus(Off(forward(parts.reshape(-1, 3, side, side)))).Times(0.5);

        Tensor Off(Tensor estimates)
        {
            Tensor off = estimates.view(image.shape[0], -1) - wanted; // (B, 1 or parts)
            return off.Squared().Plus(off.Times(-1).relu().Squared().Times(TooLow - 1)).mean();
        }
    }

    /// <summary>5 % of error are as bad at 10 as at 50 of 255.</summary>
    /// <param name="level">In units of 1, not negative.</param>
    public static Tensor Logarithm(Tensor level) => level.Times(255).log1p();

    /// <summary>The level of a logarithm.</summary>
    public static Tensor Level(Tensor logarithm) => logarithm.relu().expm1().Times(1 / 255.0);
}
