using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace DenoiseService.Model.Attention;

/// <summary>Ablation baseline: the experts exist, every token uses the last one, no router. The routing it reports is that constant choice.</summary>
internal sealed class NonAdaptiveSparseAttention : Module<Tensor, (Tensor Output, Tensor Routing)>
{
    [ComponentName(Name = "experts")] private readonly ModuleList<SparseAttentionExpert> _experts;
    [ComponentName(Name = "merge_proj")] private readonly Linear _merge;

    public NonAdaptiveSparseAttention(ModelConfig config, TopKAttention topK) : base(nameof(NonAdaptiveSparseAttention))
    {
        _experts = ModuleList(config.KeysKept.Select(k => new SparseAttentionExpert(config, k, topK)).ToArray());
        _merge = Linear(config.Width, config.Width);
        RegisterComponents();
    }

    public override (Tensor Output, Tensor Routing) forward(Tensor x)
    {
        int last = _experts.Count - 1;
        Tensor routing = cat([x.new_zeros(x.shape[0], x.shape[1], last), x.new_ones(x.shape[0], x.shape[1], 1)], -1); // (B, N, E)
        return (_merge.call(_experts[last].call(x)), routing);
    }
}

/// <summary>Ablation baseline: one full softmax attention. It reports one expert that every token uses.</summary>
internal sealed class StandardAttention : Module<Tensor, (Tensor Output, Tensor Routing)>
{
    [ComponentName(Name = "W_q")] private readonly Linear _query;
    [ComponentName(Name = "W_k")] private readonly Linear _key;
    [ComponentName(Name = "W_v")] private readonly Linear _value;
    [ComponentName(Name = "W_out")] private readonly Linear _output;
    private readonly int _heads;
    private readonly TopKAttention _attend;

    public StandardAttention(ModelConfig config, TopKAttention attend) : base(nameof(StandardAttention))
    {
        _query = Linear(config.Width, config.Width);
        _key = Linear(config.Width, config.Width);
        _value = Linear(config.Width, config.Width);
        _output = Linear(config.Width, config.Width);
        (_heads, _attend) = (config.Heads, attend);
        RegisterComponents();
    }

    public override (Tensor Output, Tensor Routing) forward(Tensor x)
    {
        Tensor q = Heads.Split(_query.call(x), _heads); // (B, H, N, d)
        Tensor k = Heads.Split(_key.call(x), _heads); // (B, H, N, d)
        Tensor v = Heads.Split(_value.call(x), _heads); // (B, H, N, d)
        Tensor attended = _attend(q, k, v, (int)k.shape[2]); // (B, H, N, d)
        return (_output.call(Heads.Join(attended)), x.new_ones(x.shape[0], x.shape[1], 1)); // (B, N, D), (B, N, 1)
    }
}

/// <summary>Ablation control: nothing is attended to.</summary>
internal sealed class NoAttention() : Module<Tensor, (Tensor Output, Tensor Routing)>(nameof(NoAttention))
{
    public override (Tensor Output, Tensor Routing) forward(Tensor x) => (zeros_like(x), x.new_ones(x.shape[0], x.shape[1], 1)); // (B, N, D), (B, N, 1)
}

/// <summary>Ablation control: every expert has the same weight for every token.</summary>
internal sealed class UniformRouting(ModelConfig config) : Module<Tensor, Tensor>(nameof(UniformRouting))
{
    private readonly int _experts = config.KeysKept.Count;

    public override Tensor forward(Tensor x) => x.new_ones(x.shape[0], x.shape[1], _experts).Times(1.0 / _experts); // (B, N, E)
}

/// <summary>Ablation control: every position of a window has its own distribution, drawn once (softmax of normal numbers) and kept with the weights.</summary>
internal sealed class RandomRouting : Module<Tensor, Tensor>
{
    public RandomRouting(ModelConfig config) : base(nameof(RandomRouting)) =>
        register_buffer("probabilities", randn(config.WindowTokens, config.KeysKept.Count).softmax(-1)); // (N of a window, E)

    public override Tensor forward(Tensor x) => get_buffer("probabilities")!.unsqueeze(0).expand(x.shape[0], -1, -1); // (B, N, E)
}
