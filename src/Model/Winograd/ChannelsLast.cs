using DenoiseService.Model.Attention;
using static TorchSharp.torch;

namespace DenoiseService.Model.Winograd;

/// <summary>Tensors as <see cref="MinimalFiltering"/> reads them.</summary>
internal static unsafe class ChannelsLast
{
    /// <summary>(B, C, H, W) → (B, H, W, C), without a copy where it lies like that in memory.</summary>
    public static Tensor Of(Tensor x) => x.permute(0, 2, 3, 1).contiguous();

    /// <summary>Filters of a convolution, (C out, C in, 3, 3) → (3, 3, C in, C out).</summary>
    public static Tensor Filters(Tensor weight) => weight.permute(2, 3, 1, 0).contiguous();

    /// <summary>Of (B, H, W, C).</summary>
    public static MinimalFiltering.Size SizeOf(Tensor x) => new((int)x.shape[0], (int)x.shape[1], (int)x.shape[2], (int)x.shape[3]);

    /// <summary>Where features begin.</summary>
    public static T* Features<T>(Tensor tensor) where T : unmanaged, IFeature<T> => (T*)TopKSelection.Address(tensor);

    /// <summary>Where numbers begin.</summary>
    public static float* At(Tensor tensor) => (float*)TopKSelection.Address(tensor);
}
