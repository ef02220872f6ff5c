using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace DenoiseService.Model;

// Shapes: B batch, S channels at full resolution, M channels at half resolution, T side of the tile in pixels.

/// <summary>From pixels to features at half resolution, from which patches are cut. Keeps the features of both resolutions for the decoder's skips.</summary>
internal sealed class ConvolutionalEncoder : Module<Tensor, (Tensor Full, Tensor Half)>
{
    [ComponentName(Name = "lift")] private readonly Conv2d _lift;
    [ComponentName(Name = "down")] private readonly Conv2d _down;
    [ComponentName(Name = "half")] private readonly ConvolutionalPair _half;

    public ConvolutionalEncoder(ModelConfig config) : base(nameof(ConvolutionalEncoder))
    {
        _lift = Conv2d(3, config.StemWidth, 3, padding: 1L);
        _down = Conv2d(config.StemWidth, config.HalfWidth, 2, stride: 2L);
        _half = new ConvolutionalPair(config.HalfWidth);
        RegisterComponents();
    }

    public override (Tensor Full, Tensor Half) forward(Tensor image)
    {
        Tensor full = functional.gelu(_lift.call(image)); // (B, S, T, T)
        return (full, _half.call(functional.gelu(_down.call(full)))); // (B, S, T, T), (B, M, T/2, T/2)
    }
}

/// <summary>From half-resolution features back to three channels, with the encoder's features added on the way. Starts as zero.</summary>
internal sealed class ConvolutionalDecoder : Module<Tensor, Tensor, Tensor, Tensor>
{
    [ComponentName(Name = "half")] private readonly ConvolutionalPair _half;
    [ComponentName(Name = "up")] private readonly ConvTranspose2d _up;
    [ComponentName(Name = "full")] private readonly Conv2d _full;
    [ComponentName(Name = "lower")] private readonly Conv2d _lower;

    public ConvolutionalDecoder(ModelConfig config) : base(nameof(ConvolutionalDecoder))
    {
        _half = new ConvolutionalPair(config.HalfWidth);
        _up = ConvTranspose2d(config.HalfWidth, config.StemWidth, 2, stride: 2L);
        _full = Conv2d(config.StemWidth, config.StemWidth, 3, padding: 1L);
        _lower = Conv2d(config.StemWidth, 3, 3, padding: 1L);
        using var noGrad = no_grad();
        _lower.weight.zero_();
        _lower.bias!.zero_();
        RegisterComponents();
    }

    public override Tensor forward(Tensor x, Tensor half, Tensor full)
    {
        x = _half.call(x.Plus(half)); // (B, M, T/2, T/2)
        x = _up.call(x).Plus(full); // (B, S, T, T)
        return _lower.call(functional.gelu(_full.call(functional.gelu(x)))); // (B, 3, T, T)
    }
}

/// <summary>x += conv(GELU(conv(x))), both 3×3.</summary>
internal sealed class ConvolutionalPair : Module<Tensor, Tensor>
{
    [ComponentName(Name = "first")] private readonly Conv2d _first;
    [ComponentName(Name = "second")] private readonly Conv2d _second;

    public ConvolutionalPair(int channels) : base(nameof(ConvolutionalPair))
    {
        _first = Conv2d(channels, channels, 3, padding: 1L);
        _second = Conv2d(channels, channels, 3, padding: 1L);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => x.Plus(_second.call(functional.gelu(_first.call(x)))); // (B, C, side, side)
}
