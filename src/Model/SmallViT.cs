using System.Diagnostics.CodeAnalysis;
using DenoiseService.Model.Attention;
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
/// tokens become patches again. Input float32 in [0, 1], (B, 3, TileSide, TileSide). Output: the image, float32 in [0, 1], same shape, and the
/// routing probabilities of every block, (B, L, N, E), which sum to 1 over E.
/// </summary>
[SuppressMessage("Naming", "CA1711", Justification = "ViT is the field's term")]
public sealed class SmallViT : Module<Tensor, (Tensor Image, Tensor Routing)>
{
    [ComponentName(Name = "pos_embed")] private readonly Parameter _position;
    [ComponentName(Name = "patch_embed")] private readonly Conv2d _embed;
    [ComponentName(Name = "blocks")] private readonly ModuleList<Block> _blocks;
    [ComponentName(Name = "patch_unembed")] private readonly ConvTranspose2d _unembed;

    /// <summary>Makes a network with fresh weights from libtorch's global generator.</summary>
    /// <param name="config">The shape of the network.</param>
    /// <param name="topK">The form in which top-k attention is computed; the fast one by default. All forms give the same result.</param>
    /// <exception cref="ModelConfigException">A value of the config is out of range.</exception>
    public SmallViT(ModelConfig config, TopKAttention? topK = null) : base(nameof(SmallViT))
    {
        Config = config.Validated();
        topK ??= TopK.Fast;
        _position = Parameter(randn(1, config.Tokens, config.Width) * 0.02f); // (1, N, D)
        _embed = Conv2d(3, config.Width, config.PatchSide, config.PatchSide);
        _blocks = ModuleList(Enumerable.Range(0, config.Blocks).Select(_ => new Block(config, topK)).ToArray());
        _unembed = ConvTranspose2d(config.Width, 3, config.PatchSide, config.PatchSide);
        RegisterComponents();
    }

    /// <summary>The shape of this network.</summary>
    public ModelConfig Config { get; }

    internal Parameter Position => _position;

    internal Conv2d Embed => _embed;

    internal IEnumerable<Block> Blocks => _blocks;

    internal ConvTranspose2d Unembed => _unembed;

    /// <inheritdoc/>
    public override (Tensor Image, Tensor Routing) forward(Tensor image)
    {
        long side = Config.TileSide / Config.PatchSide;
        Tensor x = _embed.call(image).flatten(2).transpose(1, 2) + _position; // (B, N, D)
        var routings = new List<Tensor>();
        foreach (Block block in _blocks)
        {
            (x, Tensor routing) = block.call(x); // (B, N, D), (B, N, E)
            routings.Add(routing);
        }

        Tensor grid = x.transpose(1, 2).unflatten(2, [side, side]); // (B, D, √N, √N)
        Tensor output = _unembed.call(grid); // (B, 3, side, side)
        if (Config.Residual) output = image + output;
        return (output.clamp(0, 1), stack(routings, dim: 1)); // (B, 3, side, side), (B, L, N, E)
    }
}

/// <summary>One transformer block with normalisation before each half: x += attention(LN(x)); x += FFN(LN(x)).</summary>
internal sealed class Block : Module<Tensor, (Tensor X, Tensor Routing)>
{
    [ComponentName(Name = "norm1")] private readonly LayerNorm _norm1;
    [ComponentName(Name = "attn")] private readonly Module<Tensor, (Tensor Output, Tensor Routing)> _attention;
    [ComponentName(Name = "norm2")] private readonly LayerNorm _norm2;
    [ComponentName(Name = "ffn")] private readonly Sequential _feedForward;

    public Block(ModelConfig config, TopKAttention topK) : base(nameof(Block))
    {
        _norm1 = LayerNorm(config.Width);
        _attention = config.Attention switch
        {
            AttentionKind.AdaptiveMixture => new AdaptiveAttentionMoE(config, topK),
            AttentionKind.NonAdaptiveSparse => new NonAdaptiveSparseAttention(config, topK),
            _ => new StandardAttention(config),
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

    public override (Tensor X, Tensor Routing) forward(Tensor x)
    {
        (Tensor attended, Tensor routing) = _attention.call(_norm1.call(x)); // (B, N, D), (B, N, E)
        x = x + attended;
        x = x + _feedForward.call(_norm2.call(x)); // (B, N, D)
        return (x, routing);
    }
}

/// <summary>The report's mixture: the experts' outputs, weighted by the router's probabilities for each token, then merged.</summary>
internal sealed class AdaptiveAttentionMoE : Module<Tensor, (Tensor Output, Tensor Routing)>
{
    [ComponentName(Name = "router")] private readonly Router _router;
    [ComponentName(Name = "experts")] private readonly ModuleList<SparseAttentionExpert> _experts;
    [ComponentName(Name = "merge_proj")] private readonly Linear _merge;

    public AdaptiveAttentionMoE(ModelConfig config, TopKAttention topK) : base(nameof(AdaptiveAttentionMoE))
    {
        _router = new Router(config);
        _experts = ModuleList(config.KeysKept.Select(k => new SparseAttentionExpert(config, k, topK)).ToArray());
        _merge = Linear(config.Width, config.Width);
        RegisterComponents();
    }

    public Router Router => _router;

    public IEnumerable<SparseAttentionExpert> Experts => _experts;

    public Linear Merge => _merge;

    public override (Tensor Output, Tensor Routing) forward(Tensor x)
    {
        Tensor routing = _router.call(x); // (B, N, E)
        Tensor mixed = _experts[0].call(x) * routing[.., .., 0..1]; // (B, N, D)
        for (int e = 1; e < _experts.Count; e++)
        {
            mixed = mixed + _experts[e].call(x) * routing[.., .., e..(e + 1)]; // (B, N, D)
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

    public override Tensor forward(Tensor x) => _net.call(x).softmax(-1); // (B, N, E)
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
        Tensor q = Heads.Split(_query.call(x), _heads); // (B, H, N, d)
        Tensor k = Heads.Split(_key.call(x), _heads); // (B, H, N, d)
        Tensor v = Heads.Split(_value.call(x), _heads); // (B, H, N, d)
        return _output.call(Heads.Join(_topK(q, k, v, KeysKept))); // (B, N, D)
    }
}

/// <summary>Between tokens of width D and H heads of width d.</summary>
internal static class Heads
{
    public static Tensor Split(Tensor x, int heads) => x.unflatten(2, [heads, -1]).transpose(1, 2); // (B, H, N, d)

    public static Tensor Join(Tensor x) => x.transpose(1, 2).flatten(2); // (B, N, D)
}
