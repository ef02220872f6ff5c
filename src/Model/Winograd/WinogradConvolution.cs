using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace DenoiseService.Model.Winograd;

/// <summary>A 3×3 convolution for inference, by <see cref="MinimalFiltering"/>: its filters are transformed once, and must not change afterwards.</summary>
internal sealed unsafe class WinogradConvolution : IDisposable
{
    private const int Lane = MinimalFiltering.Lane;

    private readonly Tensor _filters, _bias; // of as many channels as are computed

    /// <summary>Transforms the filters.</summary>
    /// <param name="weight">float32 (C out, C in, 3, 3); see <see cref="Serves"/>.</param>
    /// <param name="bias">float32 (C out).</param>
    public WinogradConvolution(Tensor weight, Tensor bias)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        ChannelsOut = ((int)weight.shape[0] + Lane - 1) / Lane * Lane;
        long missing = ChannelsOut - weight.shape[0];
        int channelsIn = (int)weight.shape[1];
        _filters = empty(MinimalFiltering.TransformedSize(channelsIn, ChannelsOut));
        MinimalFiltering.TransformFilters(ChannelsLast.At(ChannelsLast.Filters(functional.pad(weight, [0, 0, 0, 0, 0, 0, 0, missing]))), ChannelsLast.At(_filters), channelsIn * ChannelsOut);
        _bias = functional.pad(bias, [0, missing]).clone();
        scope.Detach(_filters, _bias);
    }

    /// <summary>C out, filled up with zeros to whole vectors.</summary>
    public int ChannelsOut { get; }

    /// <summary>True where this processor, and these channels, have this form. The library's is then slower.</summary>
    /// <param name="weight">(C out, C in, 3, 3).</param>
    public static bool Serves(Tensor weight) => MinimalFiltering.IsFast && weight.dtype == ScalarType.Float32 && weight.device_type == TorchSharp.DeviceType.CPU
        && weight.shape is [<= Lane or MinimalFiltering.Channels, Lane or MinimalFiltering.Channels, 3, 3];

    /// <summary>The form of a layer; null where it has none, and the layer itself runs.</summary>
    public static WinogradConvolution? Of(Conv2d layer) => Serves(layer.weight) ? new(layer.weight, layer.bias!) : null;

    /// <summary>float32 (B, C in, H, W) → (B, <see cref="ChannelsOut"/>, H, W), channels-last.</summary>
    public Tensor Run(Tensor x)
    {
        using var scope = NewDisposeScope();
        Tensor source = ChannelsLast.Of(x), result = empty(source.shape[0], source.shape[1], source.shape[2], ChannelsOut); // (B, H, W, C)
        Into(source, result);
        return result.permute(0, 3, 1, 2).MoveToOuterDisposeScope();
    }

    /// <summary>Convolves what is channels-last already, float32 or bfloat16; the arithmetic is float32.</summary>
    /// <param name="source">(B, H, W, C in).</param>
    /// <param name="destination">(B, H, W, <see cref="ChannelsOut"/>), overwritten; not the source.</param>
    /// <param name="rectify">Negative results become 0.</param>
    /// <param name="added">As the destination, added at last; may be the destination itself.</param>
    public void Into(Tensor source, Tensor destination, bool rectify = false, Tensor? added = null)
    {
        if (source.dtype == ScalarType.BFloat16) Convolve<BFloat16>();
        else Convolve<Float32>();

        void Convolve<T>() where T : unmanaged, IFeature<T> =>
            MinimalFiltering.Convolve(ChannelsLast.Features<T>(source), ChannelsLast.Features<T>(destination), ChannelsLast.SizeOf(source), ChannelsLast.At(_filters), ChannelsLast.At(_bias), rectify,
                added: added is null ? null : ChannelsLast.Features<T>(added), channelsOut: ChannelsOut);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _filters.Dispose();
        _bias.Dispose();
    }
}
