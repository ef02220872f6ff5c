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
        Tensor x = functional.pixel_unshuffle(image, 2); // (B, 12, T/2, T/2)
        x = functional.relu(_second.call(functional.relu(_first.call(x)))); // (B, C, T/4, T/4)
        Tensor squares = Logarithm(functional.avg_pool2d(x, Math.Min(Square, x.shape[3]))).permute(0, 2, 3, 1); // (B, T/16, T/16, C)
        return _level.call(functional.relu(_weigh.call(squares)).mean([1L, 2L])).view(-1); // (B)
    }

    /// <summary>What it learns by: 5 % of error are as bad at 10 as at 50 of 255.</summary>
    /// <param name="level">In units of 1, not negative.</param>
    public static Tensor Logarithm(Tensor level) => (level * 255).log1p();

    /// <summary>The level of a logarithm.</summary>
    public static Tensor Level(Tensor logarithm) => logarithm.relu().expm1() * (1 / 255.0);
}
