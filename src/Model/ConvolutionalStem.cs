using DenoiseService.Model.Winograd;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace DenoiseService.Model;

// Shapes: B batch, S channels at full resolution, M channels at half resolution, T side of the tile in pixels.

/// <summary>What has a faster form for inference.</summary>
internal interface IPreparable
{
    /// <summary>Copies weights into that form, where it has one; they must not change afterwards, and no gradient is asked for.</summary>
    void Prepare();
}

/// <summary>Which encoder and decoder a network has, and what the decoders share.</summary>
internal static class Stems
{
    public static Module<Tensor, (Tensor Kept, Tensor Half)>? EncoderOf(ModelConfig config) =>
        !config.HasStem ? null : config.UnshuffledStem ? new UnshuffledEncoder(config) : new ConvolutionalEncoder(config);

    public static Module<Tensor, Tensor, Tensor>? DecoderOf(ModelConfig config) =>
        !config.HasStem ? null : config.UnshuffledStem ? new UnshuffledDecoder(config) : new ConvolutionalDecoder(config);

    /// <summary>A 3×3 convolution that starts as zero, so that a fresh network changes nothing.</summary>
    public static Conv2d LastLayer(int from, int to)
    {
        Conv2d layer = Conv2d(from, to, 3, padding: 1L);
        using var noGrad = no_grad();
        layer.weight.zero_();
        layer.bias!.zero_();
        return layer;
    }
}

/// <summary>From pixels to features at half resolution, from which patches are cut. Keeps the features of both resolutions: those of the full one for the decoder's skip.</summary>
internal sealed class ConvolutionalEncoder : Module<Tensor, (Tensor Full, Tensor Half)>
{
    [ComponentName(Name = "lift")] private readonly Conv2d _lift;
    [ComponentName(Name = "down")] private readonly Conv2d _down;
    [ComponentName(Name = "half")] private readonly Module<Tensor, Tensor> _half;

    public ConvolutionalEncoder(ModelConfig config) : base(nameof(ConvolutionalEncoder))
    {
        _lift = Conv2d(3, config.StemWidth, 3, padding: 1L);
        _down = Conv2d(config.StemWidth, config.HalfWidth, 2, stride: 2L);
        _half = ConvolutionalPair.OfStem(config, rectify: false);
        RegisterComponents();
    }

    public override (Tensor Full, Tensor Half) forward(Tensor image)
    {
        Tensor full = functional.gelu(_lift.call(image.to(_lift.weight.dtype))); // (B, S, T, T)
        return (full, _half.call(functional.gelu(_down.call(full)))); // (B, S, T, T), (B, M, T/2, T/2)
    }
}

/// <summary>From half-resolution features back to three channels, with what the encoder kept added on the way. Starts as zero.</summary>
internal sealed class ConvolutionalDecoder : Module<Tensor, Tensor, Tensor>
{
    [ComponentName(Name = "half")] private readonly Module<Tensor, Tensor> _half;
    [ComponentName(Name = "up")] private readonly ConvTranspose2d _up;
    [ComponentName(Name = "full")] private readonly Conv2d _full;
    [ComponentName(Name = "lower")] private readonly Conv2d _lower;

    public ConvolutionalDecoder(ModelConfig config) : base(nameof(ConvolutionalDecoder))
    {
        _half = ConvolutionalPair.OfStem(config, rectify: false);
        _up = ConvTranspose2d(config.HalfWidth, config.StemWidth, 2, stride: 2L);
        _full = Conv2d(config.StemWidth, config.StemWidth, 3, padding: 1L);
        _lower = Stems.LastLayer(config.StemWidth, 3);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x, Tensor full)
    {
        x = _half.call(x); // (B, M, T/2, T/2)
        x = _up.call(x).Plus(full); // (B, S, T, T)
        return _lower.call(functional.gelu(_full.call(functional.gelu(x)))); // (B, 3, T, T)
    }
}

/// <summary>
/// From squares of 2×2 pixels to features at half resolution. What it keeps are the features before the pairs. All in channels-last memory, which
/// the library's convolutions need not rearrange.
/// </summary>
internal sealed class UnshuffledEncoder : Module<Tensor, (Tensor Kept, Tensor Half)>, IPreparable
{
    [ComponentName(Name = "lift")] private readonly Conv2d _lift;
    [ComponentName(Name = "half")] private readonly Module<Tensor, Tensor> _half;
    private WinogradConvolution? _prepared;

    public UnshuffledEncoder(ModelConfig config) : base(nameof(UnshuffledEncoder))
    {
        _lift = Conv2d(4 * config.InputPlanes, config.HalfWidth, 3, padding: 1L);
        _half = ConvolutionalPair.OfStem(config, rectify: true);
        RegisterComponents();
    }

    public void Prepare() => _prepared = WinogradConvolution.Of(_lift);

    public override (Tensor Kept, Tensor Half) forward(Tensor image)
    {
        using var scope = NewDisposeScope(); // without gradients a next tensor takes the place of one that is not needed any more: it is still in the cache
        Tensor squares = PixelSquares.Of(image, (int)_lift.weight.shape[1]); // (B, 12 or 16, T/2, T/2)
        Tensor lifted = _prepared?.Run(squares).narrow(1, 0, _lift.weight.shape[0]) ?? _lift.call(squares.to(_lift.weight.dtype)); // (B, M, T/2, T/2)
        Tensor half = ConvolutionalPair.Through(_half, lifted); // (B, M, T/2, T/2)
        return (lifted.MoveToOuterDisposeScope(), half.MoveToOuterDisposeScope());
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) _prepared?.Dispose();
        base.Dispose(disposing);
    }
}

/// <summary>From half-resolution features back to three channels, with what the encoder kept added on the way. Starts as zero.</summary>
internal sealed class UnshuffledDecoder : Module<Tensor, Tensor, Tensor>, IPreparable
{
    [ComponentName(Name = "half")] private readonly Module<Tensor, Tensor> _half;
    [ComponentName(Name = "lower")] private readonly Conv2d _lower;
    private WinogradConvolution? _prepared;

    public UnshuffledDecoder(ModelConfig config) : base(nameof(UnshuffledDecoder))
    {
        _half = ConvolutionalPair.OfStem(config, rectify: true);
        _lower = Stems.LastLayer(config.HalfWidth, 12);
        RegisterComponents();
    }

    public void Prepare() => _prepared = WinogradConvolution.Of(_lower);

    public override Tensor forward(Tensor x, Tensor lifted)
    {
        using var scope = NewDisposeScope();
        x = ConvolutionalPair.Through(_half, x, overwrite: true).PlusInPlace(lifted); // (B, M, T/2, T/2)
        Tensor squares = _prepared?.Run(x) ?? _lower.call(x.to(_lower.weight.dtype)); // (B, 12 or 16, T/2, T/2)
        return PixelSquares.Back(squares, 3).MoveToOuterDisposeScope(); // (B, 3, T, T)
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) _prepared?.Dispose();
        base.Dispose(disposing);
    }
}

/// <summary>x += conv(f(conv(x))), both 3×3; f is GELU or, where it rectifies, ReLU.</summary>
internal sealed class ConvolutionalPair : Module<Tensor, Tensor>, IPreparable
{
    [ComponentName(Name = "first")] private readonly Conv2d _first;
    [ComponentName(Name = "second")] private readonly Conv2d _second;
    private readonly bool _rectify;
    private (WinogradConvolution First, WinogradConvolution Second)? _prepared;

    public ConvolutionalPair(int channels, bool rectify) : base(nameof(ConvolutionalPair))
    {
        _first = Conv2d(channels, channels, 3, padding: 1L);
        _second = Conv2d(channels, channels, 3, padding: 1L);
        _rectify = rectify;
        RegisterComponents();
    }

    /// <summary>The pairs of one side of a stem. A single one has no number in its weights' names.</summary>
    public static Module<Tensor, Tensor> OfStem(ModelConfig config, bool rectify) =>
        config.StemPairs == 1 ? new ConvolutionalPair(config.HalfWidth, rectify) : Several(config.StemPairs, config.HalfWidth, rectify);

    /// <summary>One pair after the other.</summary>
    public static Sequential Several(int count, int channels, bool rectify) =>
        Sequential(Enumerable.Range(0, count).Select(_ => new ConvolutionalPair(channels, rectify)).ToArray<Module<Tensor, Tensor>>());

    /// <summary>Through all of them, (B, C, side, side) → the same. Once prepared, each writes over the result of the one before.</summary>
    /// <param name="several">One pair, or a sequence of them.</param>
    /// <param name="x">(B, C, side, side).</param>
    /// <param name="overwrite">Nobody needs x afterwards: the first may write over it too.</param>
    public static Tensor Through(Module<Tensor, Tensor> several, Tensor x, bool overwrite = false)
    {
        if (several is ConvolutionalPair single) return single.Run(x, overwrite);
        foreach (ConvolutionalPair pair in several.children().Cast<ConvolutionalPair>())
        {
            x = pair.Run(x, overwrite);
            overwrite = true;
        }

        return x;
    }

    /// <summary>True where this pair is fastest in float32, whatever the rest computes with.</summary>
    public bool StaysFloat32 => HasOwnForm && !Precisions.HasBFloat16Tiles;

    private bool HasOwnForm => _rectify && WinogradPair.Serves(_first.weight.shape[0]);

    public void Prepare()
    {
        if (HasOwnForm && WinogradConvolution.Serves(_first.weight)) _prepared = (new(_first.weight, _first.bias!), new(_second.weight, _second.bias!));
    }

    public override Tensor forward(Tensor x) => Run(x, overwrite: false);

    private Tensor Run(Tensor x, bool overwrite)
    {
        if (_prepared is { } prepared) return WinogradPair.WithoutGradients(x, prepared.First, prepared.Second, overwrite);
        bool own = _rectify && WinogradPair.Covers(x, _first.weight);
        x = x.to(_first.weight.dtype);
        if (own) return WinogradPair.Of(x, _first.weight, _first.bias!, _second.weight, _second.bias!);
        Tensor inner = _first.call(x); // (B, C, side, side)
        return _second.call(_rectify ? inner.relu_() : functional.gelu(inner)).Increase(x); // (B, C, side, side)
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _prepared?.First.Dispose();
            _prepared?.Second.Dispose();
        }

        base.Dispose(disposing);
    }
}
