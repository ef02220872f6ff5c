using static TorchSharp.torch;

namespace DenoiseService.Model;

/// <summary>
/// How a network with <see cref="ModelConfig.NoiseLevelInput"/> is told σ: as a fourth plane beside the three colours (Zhang et al. 2018, FFDNet), in units of 1.
/// It learns with and without being told; where it is not, it reads its own estimate (<see cref="NoiseEstimator"/>).
/// </summary>
public static class NoiseLevel
{
    /// <summary>In the place of σ where it is not told: the network estimates it.</summary>
    public const float Unknown = -1;

    /// <summary>Puts the plane beside the colours.</summary>
    /// <param name="image">(B, 3, T, T).</param>
    /// <param name="levels">(B), each σ or <see cref="Unknown"/>.</param>
    /// <returns>(B, 4, T, T).</returns>
    public static Tensor Beside(Tensor image, Tensor levels) => cat([image, levels.view(-1, 1, 1, 1).expand(-1, 1, image.shape[2], image.shape[3])], 1);

    /// <summary>Whether every image has its level beside it, so that none need be estimated.</summary>
    /// <param name="image">(B, 3, T, T), or (B, 4, T, T) as <see cref="Beside"/> makes it.</param>
    internal static bool IsKnown(Tensor image) => image.shape[1] == 4 && image.narrow(1, 3, 1).min().item<float>() >= 0;

    /// <summary>What the network reads: the level told, or where none was, the one estimated.</summary>
    /// <param name="image">(B, 4, T, T), as <see cref="Beside"/> makes it.</param>
    /// <param name="estimated">(B), each σ.</param>
    /// <returns>(B, 4, T, T), every level known.</returns>
    internal static Tensor Complete(Tensor image, Tensor estimated)
    {
        Tensor told = image.narrow(1, 3, 1); // (B, 1, T, T)
        return cat([image.narrow(1, 0, 3), where(told.less(zeros(1)), estimated.view(-1, 1, 1, 1), told)], 1);
    }
}
