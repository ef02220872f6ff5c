using static TorchSharp.torch;

namespace DenoiseService.Model.Winograd;

/// <summary>x + conv(ReLU(conv(x))) and its gradients, by <see cref="MinimalFiltering"/>.</summary>
internal sealed unsafe class WinogradPair : autograd.SingleTensorFunction<WinogradPair>
{
    /// <inheritdoc/>
    public override string Name => nameof(WinogradPair);

    /// <summary>True where pairs of so many channels have this form on this processor.</summary>
    public static bool Serves(long channels) => MinimalFiltering.IsFast && channels == MinimalFiltering.Channels;

    /// <summary>True where <see cref="Of"/> serves, and is the fastest.</summary>
    /// <param name="x">(B, C, H, W).</param>
    /// <param name="weight">Of the first convolution, (C, C, 3, 3).</param>
    public static bool Covers(Tensor x, Tensor weight) => Serves(weight.shape[0]) && x.shape[2] % 4 == 0 && x.shape[3] % 4 == 0 && x.dtype is (ScalarType.Float32 or ScalarType.BFloat16) && weight.dtype == ScalarType.Float32
        && x.device_type == TorchSharp.DeviceType.CPU;

    /// <summary>float32 (B, C, H, W), channels-last, both sides multiples of 4, → the same.</summary>
    public static Tensor Of(Tensor x, Tensor firstWeight, Tensor firstBias, Tensor secondWeight, Tensor secondBias) => apply(x, firstWeight, firstBias, secondWeight, secondBias);

    /// <summary>As <see cref="Of"/>, without gradients, for sides of any length.</summary>
    /// <param name="x">float32 or bfloat16, (B, C, H, W); the result is the same, the arithmetic float32.</param>
    /// <param name="first">Of C channels.</param>
    /// <param name="second">Of C channels.</param>
    /// <param name="overwrite">The result may take x's place, if x is channels-last: less memory stays in the cache.</param>
    public static Tensor WithoutGradients(Tensor x, WinogradConvolution first, WinogradConvolution second, bool overwrite)
    {
        using var scope = NewDisposeScope();
        Tensor input = ChannelsLast.Of(x), inner = empty_like(input), result = overwrite ? input : empty_like(input); // (B, H, W, C)
        first.Into(input, inner, rectify: true);
        second.Into(inner, result, added: input);
        return result.permute(0, 3, 1, 2).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        using var scope = NewDisposeScope();
        (Tensor firstWeight, Tensor secondWeight) = ((Tensor)vars[1], (Tensor)vars[3]);
        Tensor x = ChannelsLast.Of((Tensor)vars[0]), inner = empty_like(x), result = empty_like(x); // (B, H, W, C)
        MinimalFiltering.Size size = ChannelsLast.SizeOf(x);
        MinimalFiltering.Convolve(Features(x), Features(inner), size, Transformed(ChannelsLast.Filters(firstWeight)), ChannelsLast.At((Tensor)vars[2]), rectify: true);
        MinimalFiltering.Convolve(Features(inner), Features(result), size, Transformed(ChannelsLast.Filters(secondWeight)), ChannelsLast.At((Tensor)vars[4]), added: Features(x));
        ctx.save_for_backward([x, inner, firstWeight, secondWeight]);
        scope.MoveToOuter(x, inner); // until the context has taken them
        return result.permute(0, 3, 1, 2).MoveToOuterDisposeScope();
    }

    /// <summary>Needs a dispose scope around the pass, in which the gradients live until libtorch has copied them. An exception here, out of memory say, passes through native code and ends the process.</summary>
    /// <param name="ctx">What <see cref="forward"/> kept.</param>
    /// <param name="grad_output">Gradient of the result, (B, C, H, W).</param>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        using var scope = NewDisposeScope();
        scope.Attach(grad_output); // otherwise the gradients of all pairs wait for the end of the pass
        List<Tensor> saved = ctx.get_saved_variables();
        (Tensor x, Tensor inner, Tensor firstWeight, Tensor secondWeight) = (saved[0], saved[1], saved[2], saved[3]);
        Tensor result = ChannelsLast.Of(grad_output), between = empty_like(x), input = empty_like(x); // gradients, (B, H, W, C)
        MinimalFiltering.Size size = ChannelsLast.SizeOf(x);
        MinimalFiltering.Convolve(Features(result), Features(between), size, Transformed(Backwards(secondWeight)), gate: Features(inner));
        MinimalFiltering.Convolve(Features(between), Features(input), size, Transformed(Backwards(firstWeight)), added: Features(result));
        (Tensor firstGradient, Tensor firstBias) = Gradient(x, between);
        (Tensor secondGradient, Tensor secondBias) = Gradient(inner, result);
        List<Tensor> gradients = [input.permute(0, 3, 1, 2), firstGradient, firstBias, secondGradient, secondBias];
        scope.MoveToOuter(gradients);
        return gradients;
    }

    private static (Tensor Weight, Tensor Bias) Gradient(Tensor source, Tensor result)
    {
        Tensor filters = empty(3, 3, MinimalFiltering.Channels, MinimalFiltering.Channels), bias = empty(MinimalFiltering.Channels);
        MinimalFiltering.Gradient(Features(source), Features(result), ChannelsLast.SizeOf(source), ChannelsLast.At(filters), ChannelsLast.At(bias));
        return (filters.permute(3, 2, 0, 1).contiguous(), bias); // (C out, C in, 3, 3), (C out)
    }

    /// <summary>From a convolution's result back to what it read.</summary>
    private static Tensor Backwards(Tensor weight) => weight.flip(2, 3).permute(2, 3, 0, 1).contiguous(); // (3, 3, C out, C in)

    private static float* Transformed(Tensor filters) => MinimalFiltering.TransformFilters(ChannelsLast.At(filters));

    private static Float32* Features(Tensor tensor) => ChannelsLast.Features<Float32>(tensor);
}
