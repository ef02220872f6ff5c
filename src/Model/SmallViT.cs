using System.Diagnostics.CodeAnalysis;
using DenoiseService.Model.Attention;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace DenoiseService.Model;

// Glossary of the shapes in this file:
//   B batch   N tokens of a tile   D width of a token   H heads   d = D / H   K keys kept   E experts   L blocks   P patch side in pixels
// A comment at the end of a line gives the shape that the line makes.

/// <summary>
/// The report's denoiser (§1): patches become tokens, L blocks let them attend to each other with a budget that a router gives to every token,
/// tokens become patches again. Input float32 in [0, 1], (B, 3, T, T) with T = TileSide, or any multiple of a patch from one window on for a windowed network.
/// A network that reads the noise level takes it as a fourth plane (<see cref="NoiseLevel"/>), or estimates it.
/// Output: the image, float32 in [0, 1], (B, 3, T, T), and the routing probabilities of every block, (B, L, N, E), which sum to 1 over E.
/// With a stem the patches are made, and turned back into pixels, by a small convolutional encoder and decoder whose skips carry the detail.
/// </summary>
[SuppressMessage("Naming", "CA1711", Justification = "ViT is the field's term")]
public sealed class SmallViT : Module<Tensor, (Tensor Image, Tensor Routing)>
{
    // libtorch has one random generator for the whole process; every network draws its weights from it.
    private static readonly Lock Generator = new();

    [ComponentName(Name = "noise")] private readonly NoiseEstimator? _noise;
    [ComponentName(Name = "encoder")] private readonly Module<Tensor, (Tensor Kept, Tensor Half)>? _encoder;
    [ComponentName(Name = "patch_embed")] private readonly Conv2d _embed;
    [ComponentName(Name = "grid")] private readonly Sequential? _grid;
    [ComponentName(Name = "pos_embed")] private readonly Parameter _position;
    [ComponentName(Name = "blocks")] private readonly ModuleList<Block> _blocks;
    [ComponentName(Name = "patch_unembed")] private readonly ConvTranspose2d _unembed;
    [ComponentName(Name = "decoder")] private readonly Module<Tensor, Tensor, Tensor>? _decoder;

    /// <summary>Makes a network with fresh weights from libtorch's global generator.</summary>
    /// <param name="config">The shape of the network.</param>
    /// <param name="topK">The form in which top-k attention is computed; the fast one by default. All forms give the same result.</param>
    /// <exception cref="ModelConfigException">A value of the config is out of range.</exception>
    public SmallViT(ModelConfig config, TopKAttention? topK = null) : base(nameof(SmallViT))
    {
        Config = config.Validated();
        topK ??= TopK.Fast;
        lock (Generator)
        {
            // The scope disposes what initialisation leaves behind; the parameters are taken out of it again.
            using var scope = NewDisposeScope();
            int channels = config.HasStem ? config.HalfWidth : 3, patch = config.HasStem ? config.PatchSide / 2 : config.PatchSide; // what is patched: half-resolution features, or pixels
            _noise = config.NoiseLevelInput ? new NoiseEstimator() : null;
            _encoder = Stems.EncoderOf(config);
            _embed = Conv2d(channels, config.Width, patch, patch);
            _grid = config.TokenPairs == 0 ? null : ConvolutionalPair.Several(config.TokenPairs, config.Width, rectify: true);
            _position = Parameter(randn(1, config.WindowTokens, config.Width).Times(0.02f)); // (1, N of a window, D)
            _blocks = ModuleList(Enumerable.Range(0, config.Blocks).Select(i => new Block(config, i, topK)).ToArray());
            _unembed = ConvTranspose2d(config.Width, channels, patch, patch);
            _decoder = Stems.DecoderOf(config);
            RegisterComponents();
            scope.Detach(parameters());
            scope.Detach(buffers());
        }
    }

    /// <summary>Makes a network with fresh weights that the seed alone decides, whatever other threads do meanwhile.</summary>
    /// <param name="config">The shape of the network.</param>
    /// <param name="seed">Of its weights.</param>
    /// <param name="topK">As in the constructor.</param>
    /// <exception cref="ModelConfigException">A value of the config is out of range.</exception>
    public static SmallViT WithSeed(ModelConfig config, long seed, TopKAttention? topK = null)
    {
        lock (Generator)
        {
            random.manual_seed(seed);
            return new SmallViT(config, topK);
        }
    }

    /// <summary>The shape of this network.</summary>
    public ModelConfig Config { get; }

    internal NoiseEstimator? Noise => _noise;

    internal Parameter Position => _position;

    internal Conv2d Embed => _embed;

    internal IEnumerable<Block> Blocks => _blocks;

    internal ConvTranspose2d Unembed => _unembed;

    /// <summary>In bfloat16 rounds the weights, but for the position table, the noise estimator, and pairs of convolutions that are fastest in float32; in float32 changes nothing.</summary>
    public void RoundTo(Precision precision)
    {
        if (precision == Precision.Float32) return;
        HashSet<Module> kept = [.. modules().OfType<ConvolutionalPair>().Where(pair => pair.StaysFloat32).SelectMany(pair => pair.modules()), .. _noise?.modules() ?? []];
        foreach (Module leaf in modules().Where(m => !kept.Contains(m) && !m.children().Any())) leaf.to(ScalarType.BFloat16);
    }

    /// <summary>Copies weights into the forms that are fastest for inference; they must not change afterwards.</summary>
    internal void PrepareForInference()
    {
        foreach (IPreparable part in modules().OfType<IPreparable>()) part.Prepare();
    }

    /// <inheritdoc/>
    public override (Tensor Image, Tensor Routing) forward(Tensor image)
    {
        Tensor colours = image.narrow(1, 0, 3); // (B, 3, T, T)
        if (_noise is not null && !NoiseLevel.IsKnown(image))
        {
            Tensor estimated = _noise.Estimate(colours).detach(); // (B); it learns from the level (NoiseLoss), not from what the level is good for
            image = image.shape[1] == 3 ? NoiseLevel.Beside(image, estimated) : NoiseLevel.Complete(image, estimated); // (B, 4, T, T)
        }

        // Each part computes with the numbers of its weights: a network, or its tokens alone, may be bfloat16.
        (Tensor? kept, Tensor? half) = _encoder?.call(image) ?? default; // for the decoder; (B, M, T/2, T/2)
        Tensor grid = _embed.call((half ?? image).to(_embed.weight.dtype)); // (B, D, T/P, T/P)
        if (_grid is not null) grid = ConvolutionalPair.Through(_grid, grid, overwrite: true).to(grid.dtype); // (B, D, T/P, T/P)
        var windows = new Windows(Config, (int)grid.shape[2]);
        Tensor x = windows.Split(windows.Fill(grid.permute(0, 2, 3, 1))).Plus(_position.to(grid.dtype)); // (B·windows, N of a window, D)
        var routings = new List<Tensor>();
        foreach (Block block in _blocks)
        {
            (x, Tensor routing) = block.call(x, windows); // (B·windows, N of a window, D), (B, N, E)
            routings.Add(routing);
        }

        grid = windows.Crop(windows.Join(x)).permute(0, 3, 1, 2); // (B, D, T/P, T/P)
        Tensor output = _decoder is null ? _unembed.call(grid) : _decoder.call(PlusFeatures(half!, grid), kept!); // (B, 3, T, T)
        output = output.to(image.dtype); // the correction may be rounded, the image it corrects is not
        if (Config.Residual) output = colours.Plus(training || Config.Shrinkage == 0 ? output : Shrunk(output));
        if (Config.ClampInTraining || !training) output = output.ClampToUnit();
        return (output, stack(routings, dim: 1).to(image.dtype)); // (B, 3, T, T), (B, L, N, E)
    }

    private Tensor Shrunk(Tensor correction)
    {
        Tensor power = correction.Squared().mean([1L, 2L, 3L], keepdim: true); // (B, 1, 1, 1)
        return correction * (power / power.Plus(full(1, (float)(Config.Shrinkage * Config.Shrinkage))));
    }

    /// <summary>What estimates of the noise are judged by, those of whole images and those of their parts as if they were images (<see cref="NoiseEstimator.Loss"/>). Null for a network that reads no noise level.</summary>
    /// <param name="image">(B, 3 or 4, T, T), as for a pass.</param>
    /// <param name="sigma">(B), what they should be.</param>
    public Tensor? NoiseLoss(Tensor image, Tensor sigma) => _noise?.Loss(image.narrow(1, 0, 3), sigma);

    /// <summary>half + what patch_unembed gives, made as one product in channels-last memory, which is several times as fast.</summary>
    /// <param name="half">(B, M, T/2, T/2); without gradients the sum may take its place.</param>
    /// <param name="grid">(B, D, T/P, T/P).</param>
    internal Tensor PlusFeatures(Tensor half, Tensor grid)
    {
        using var scope = NewDisposeScope();
        long side = grid.shape[2], patch = _unembed.weight.shape[2], channels = _unembed.weight.shape[1];
        Tensor weight = _unembed.weight.permute(2, 3, 1, 0).flatten(0, 2); // (P·P·M, D)
        Tensor features = functional.linear(grid.permute(0, 2, 3, 1), weight, _unembed.bias!.repeat(patch * patch)) // (B, T/P, T/P, P·P·M)
            .reshape(-1, side, side, patch, patch, channels).transpose(2, 3); // (B, T/P, P, T/P, P, M), here with T/P·P = T/2
        return half.permute(0, 2, 3, 1).reshape(features.shape).PlusInPlace(features) // where they belong, without a copy of their own
            .reshape(-1, side * patch, side * patch, channels).permute(0, 3, 1, 2).MoveToOuterDisposeScope(); // (B, M, T/2, T/2)
    }
}

/// <summary>One transformer block with normalisation before each half: x += attention(LN(x)); x += FFN(LN(x)).</summary>
internal sealed class Block : Module<Tensor, Windows, (Tensor X, Tensor Routing)>
{
    [ComponentName(Name = "norm1")] private readonly LayerNorm _norm1;
    [ComponentName(Name = "attn")] private readonly Module<Tensor, (Tensor Output, Tensor Routing)> _attention;
    [ComponentName(Name = "norm2")] private readonly LayerNorm _norm2;
    [ComponentName(Name = "ffn")] private readonly Sequential _feedForward;
    private readonly bool _shifted;

    public Block(ModelConfig config, int index, TopKAttention topK) : base(nameof(Block))
    {
        _shifted = config.ShiftWindows && index % 2 == 1;
        _norm1 = LayerNorm(config.Width);
        _attention = config.Attention switch
        {
            AttentionKind.AdaptiveMixture => new AdaptiveAttentionMoE(config, topK),
            AttentionKind.SharedMixture => new SharedAttentionMoE(config),
            AttentionKind.NonAdaptiveSparse => new NonAdaptiveSparseAttention(config, topK),
            AttentionKind.None => new NoAttention(),
            _ => new StandardAttention(config, topK),
        };
        _norm2 = LayerNorm(config.Width);
        _feedForward = Sequential(Linear(config.Width, config.FeedForwardWidth), GELU(), Linear(config.FeedForwardWidth, config.Width));
        RegisterComponents();
    }

    public LayerNorm Norm1 => _norm1;

    public Module<Tensor, (Tensor Output, Tensor Routing)> Attention => _attention;

    public LayerNorm Norm2 => _norm2;

    public Linear Expand => (Linear)_feedForward[0];

    public Linear Contract => (Linear)_feedForward[2];

    /// <summary>x in windows, (B·windows, N of a window, D) → the same, and the routing of the whole tiles, (B, N, E).</summary>
    public override (Tensor X, Tensor Routing) forward(Tensor x, Windows windows)
    {
        using var scope = NewDisposeScope(); // a block's intermediates do not wait for the end of the pass
        Tensor normed = _norm1.call(x);
        (Tensor attended, Tensor routing) = _attention.call(_shifted ? windows.Shift(normed) : normed); // (B·windows, N of a window, D), (…, E)
        x = x.Plus(_shifted ? windows.ShiftBack(attended) : attended);
        x = x.Plus(_feedForward.call(_norm2.call(x))); // (B·windows, N of a window, D)
        Tensor whole = windows.Crop(windows.Join(_shifted ? windows.ShiftBack(routing) : routing)).flatten(1, 2); // (B, N, E)
        return (x.MoveToOuterDisposeScope(), whole.MoveToOuterDisposeScope());
    }
}

/// <summary>The report's mixture: the experts' outputs, weighted by the router's probabilities for each token, then merged.</summary>
internal sealed class AdaptiveAttentionMoE : Module<Tensor, (Tensor Output, Tensor Routing)>
{
    [ComponentName(Name = "router")] private readonly Module<Tensor, Tensor> _router;
    [ComponentName(Name = "experts")] private readonly ModuleList<SparseAttentionExpert> _experts;
    [ComponentName(Name = "merge_proj")] private readonly Linear _merge;

    public AdaptiveAttentionMoE(ModelConfig config, TopKAttention topK) : base(nameof(AdaptiveAttentionMoE))
    {
        _router = Routers.Of(config);
        _experts = ModuleList(config.KeysKept.Select(k => new SparseAttentionExpert(config, k, topK)).ToArray());
        _merge = Linear(config.Width, config.Width);
        RegisterComponents();
    }

    public Router Router => (Router)_router;

    public IEnumerable<SparseAttentionExpert> Experts => _experts;

    public Linear Merge => _merge;

    public override (Tensor Output, Tensor Routing) forward(Tensor x)
    {
        Tensor routing = _router.call(x); // (B, N, E)
        Tensor mixed = _experts[0].call(x) * routing[.., .., 0..1]; // (B, N, D)
        for (int e = 1; e < _experts.Count; e++)
        {
            mixed = mixed.Plus(_experts[e].call(x) * routing[.., .., e..(e + 1)]); // (B, N, D)
        }

        return (_merge.call(mixed), routing);
    }
}

/// <summary>Gives every token one probability for each expert: Linear, activation, Linear, softmax.</summary>
internal sealed class Router : Module<Tensor, Tensor>
{
    [ComponentName(Name = "routing_net")] private readonly Sequential _net;

    public Router(ModelConfig config) : base(nameof(Router))
    {
        Module<Tensor, Tensor> activation = config.RouterActivation == RouterActivation.Gelu ? GELU() : ReLU();
        _net = Sequential(Linear(config.Width, config.RouterWidth), activation, Linear(config.RouterWidth, config.KeysKept.Count));
        RegisterComponents();
    }

    public Linear Hidden => (Linear)_net[0];

    public Linear Scores => (Linear)_net[2];

    public override Tensor forward(Tensor x) => _net.call(x).to(ScalarType.Float32).softmax(-1); // (B, N, E)
}

/// <summary>What gives the tokens of a mixture their probabilities: (B, N, D) → (B, N, E).</summary>
internal static class Routers
{
    public static Module<Tensor, Tensor> Of(ModelConfig config) => config.Routing switch
    {
        RoutingKind.Learned => new Router(config),
        RoutingKind.Uniform => new UniformRouting(config),
        _ => new RandomRouting(config),
    };
}

/// <summary>Multi-head attention in which every query keeps its K largest scores.</summary>
internal sealed class SparseAttentionExpert : Module<Tensor, Tensor>
{
    [ComponentName(Name = "W_q")] private readonly Linear _query;
    [ComponentName(Name = "W_k")] private readonly Linear _key;
    [ComponentName(Name = "W_v")] private readonly Linear _value;
    [ComponentName(Name = "W_out")] private readonly Linear _output;
    private readonly int _heads;
    private readonly TopKAttention _topK;

    public SparseAttentionExpert(ModelConfig config, int keysKept, TopKAttention topK) : base(nameof(SparseAttentionExpert))
    {
        _query = Linear(config.Width, config.Width);
        _key = Linear(config.Width, config.Width);
        _value = Linear(config.Width, config.Width);
        _output = Linear(config.Width, config.Width);
        _heads = config.Heads;
        KeysKept = keysKept;
        _topK = topK;
        RegisterComponents();
    }

    public int KeysKept { get; }

    public Linear Query => _query;

    public Linear Key => _key;

    public Linear Value => _value;

    public Linear Output => _output;

    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope(); // an expert's intermediates do not wait for the other experts
        Tensor q = Heads.Split(_query.call(x), _heads); // (B, H, N, d)
        Tensor k = Heads.Split(_key.call(x), _heads); // (B, H, N, d)
        Tensor v = Heads.Split(_value.call(x), _heads); // (B, H, N, d)
        return _output.call(Heads.Join(_topK(q, k, v, KeysKept))).MoveToOuterDisposeScope(); // (B, N, D)
    }
}

/// <summary>
/// The mixture with one set of q, k, v for all experts: they differ only in how many keys they keep, so the experts' attention weights are mixed
/// before the one product with v. W_out is the merge.
/// </summary>
internal sealed class SharedAttentionMoE : Module<Tensor, (Tensor Output, Tensor Routing)>
{
    [ComponentName(Name = "router")] private readonly Module<Tensor, Tensor> _router;
    [ComponentName(Name = "W_qkv")] private readonly Linear _read;
    [ComponentName(Name = "W_out")] private readonly Linear _output;
    private readonly int _heads;
    private readonly int[] _keysKept;

    public SharedAttentionMoE(ModelConfig config) : base(nameof(SharedAttentionMoE))
    {
        _router = Routers.Of(config);
        _read = Linear(config.Width, 3 * config.Width);
        _output = Linear(config.Width, config.Width);
        (_heads, _keysKept) = (config.Heads, [.. config.KeysKept]);
        RegisterComponents();
    }

    public override (Tensor Output, Tensor Routing) forward(Tensor x)
    {
        Tensor routing = _router.call(x).to(ScalarType.Float32); // (B, N, E)
        Tensor qkv = _read.call(x).unflatten(2, [3, _heads, -1]).permute(2, 0, 3, 1, 4); // (3, B, H, N, d)
        Tensor q = qkv[0].to(ScalarType.Float32).Times(1 / Math.Sqrt(qkv.shape[4])), k = qkv[1].to(ScalarType.Float32); // (B, H, N, d); equal scores, of which bfloat16 has many, would cost the selection time
        Tensor scores = matmul(q, k.transpose(-2, -1)); // (B, H, N, N)
        Tensor weights = MixedTopK.Weights(scores, routing, _keysKept).to(x.dtype); // (B, H, N, N)
        return (_output.call(Heads.Join(matmul(weights, qkv[2]))), routing); // (B, N, D), (B, N, E)
    }
}

/// <summary>Between tokens of width D and H heads of width d.</summary>
internal static class Heads
{
    public static Tensor Split(Tensor x, int heads) => x.unflatten(2, [heads, -1]).transpose(1, 2); // (B, H, N, d)

    public static Tensor Join(Tensor x) => x.transpose(1, 2).flatten(2); // (B, N, D)
}
