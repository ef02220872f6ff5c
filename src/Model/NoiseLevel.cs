using static TorchSharp.torch;

namespace DenoiseService.Model;

/// <summary>
/// How a network with <see cref="ModelConfig.NoiseLevelInput"/> is told σ: as a fourth plane beside the three colours (Zhang et al. 2018, FFDNet), in units of 1.
/// It learns with and without being told, so it also works blind.
/// </summary>
public static class NoiseLevel
{
    /// <summary>In the place of σ where it is not told.</summary>
    public const float Unknown = -1;

    private const string FirstLayer = "encoder.lift.weight";

    /// <summary>Puts the plane beside the colours.</summary>
    /// <param name="image">(B, 3, T, T).</param>
    /// <param name="levels">(B), each σ or <see cref="Unknown"/>.</param>
    /// <returns>(B, 4, T, T).</returns>
    public static Tensor Beside(Tensor image, Tensor levels) => cat([image, levels.view(-1, 1, 1, 1).expand(-1, 1, image.shape[2], image.shape[3])], 1);

    /// <summary>Weights of a network without this input, for one that has it: what the new plane adds is zero.</summary>
    /// <param name="weights">By name; the caller disposes the one that is new.</param>
    public static IReadOnlyDictionary<string, Tensor> Widen(IReadOnlyDictionary<string, Tensor> weights)
    {
        if (!weights.TryGetValue(FirstLayer, out Tensor? lift) || lift.shape[1] != 12) return weights;
        Tensor wide = cat([lift, zeros(lift.shape[0], 4, lift.shape[2], lift.shape[3])], 1); // (M, 16, 3, 3): four pixels of each plane
        return weights.ToDictionary(w => w.Key, w => w.Key == FirstLayer ? wide : w.Value);
    }
}
