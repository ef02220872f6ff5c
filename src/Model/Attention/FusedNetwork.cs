using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace DenoiseService.Model.Attention;

/// <summary>
/// The adaptive <see cref="SmallViT"/> rewritten for inference, equal to it within float rounding: all projections of a block that read the same
/// tokens (q, k, v of every expert and the router's first layer) are one product, and every expert's W_out is multiplied into merge_proj.
/// Works through a batch in chunks of tiles that stay in the processor's cache. Holds copies of the weights and never changes.
/// </summary>
internal sealed class FusedNetwork : IDisposable
{
    private readonly ModelConfig _config;
    private readonly Tensor _position, _embedWeight, _embedBias, _unembedWeight, _unembedBias;
    private readonly FusedBlock[] _blocks;

    /// <summary>Copies and multiplies out the weights.</summary>
    public FusedNetwork(SmallViT network)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope(); // disposes what the multiplying leaves behind
        _config = network.Config;
        int patch = _config.PatchSide, width = _config.Width;
        _position = network.Position.detach().clone(); // (1, N, D)
        _embedWeight = network.Embed.weight.detach().reshape(width, 3 * patch * patch).clone(); // (D, 3·P·P)
        _embedBias = network.Embed.bias!.detach().clone();
        _unembedWeight = network.Unembed.weight.detach().reshape(width, 3 * patch * patch).t().contiguous(); // (3·P·P, D)
        _unembedBias = network.Unembed.bias!.detach().repeat_interleave(patch * patch); // (3·P·P)
        _blocks = network.Blocks.Select(block => new FusedBlock(block, _config)).ToArray();
        scope.Detach(Tensors);
    }

    /// <summary>True for the configurations that this form covers.</summary>
    public static bool Covers(ModelConfig config) => config is { Attention: AttentionKind.AdaptiveMixture, Routing: RoutingKind.Learned, WindowSide: 0, HasStem: false, TokenPairs: 0, Shrinkage: 0 };

    /// <summary>float32 (B, 3, TileSide, TileSide) in [0, 1] → the same, and (B, L, N, E). Call in inference mode, inside a dispose scope.</summary>
    public (Tensor Image, Tensor Routing) Forward(Tensor image)
    {
        int patch = _config.PatchSide, side = _config.TileSide / patch, width = _config.Width;
        long batch = image.shape[0];
        Tensor patches = image.reshape(batch, 3, side, patch, side, patch).permute(0, 2, 4, 1, 3, 5).reshape(batch, _config.Tokens, -1); // (B, N, 3·P·P)
        Tensor x = functional.linear(patches, _embedWeight, _embedBias).Increase(_position).reshape(-1, width); // (B·N, D)
        var routings = new List<Tensor>();
        foreach (FusedBlock block in _blocks)
        {
            routings.Add(block.Forward(x).reshape(batch, _config.Tokens, -1)); // (B, N, E)
        }

        Tensor output = functional.linear(x, _unembedWeight, _unembedBias) // (B·N, 3·P·P)
            .reshape(batch, side, side, 3, patch, patch).permute(0, 3, 1, 4, 2, 5).reshape(image.shape); // (B, 3, side, side)
        if (_config.Residual) output.Increase(image);
        return (output.ClampToUnitInPlace(), stack(routings, dim: 1)); // (B, 3, side, side), (B, L, N, E)
    }

    public void Dispose()
    {
        foreach (Tensor tensor in Tensors) tensor.Dispose();
    }

    private IEnumerable<Tensor> Tensors => [_position, _embedWeight, _embedBias, _unembedWeight, _unembedBias, .. _blocks.SelectMany(block => block.Tensors)];

    private sealed class FusedBlock
    {
        private readonly ModelConfig _config;
        private readonly Tensor _norm1Weight, _norm1Bias, _norm2Weight, _norm2Bias;
        private readonly Tensor _readWeight, _readBias, _mixWeight, _mixBias, _routerWeight, _routerBias;
        private readonly Tensor _expandWeight, _expandBias, _contractWeight, _contractBias;

        public FusedBlock(Block block, ModelConfig config)
        {
            _config = config;
            var mixture = (AdaptiveAttentionMoE)block.Attention;
            double scale = 1 / Math.Sqrt(config.Width / config.Heads);
            (_norm1Weight, _norm1Bias) = (Copy(block.Norm1.weight!), Copy(block.Norm1.bias!));
            (_norm2Weight, _norm2Bias) = (Copy(block.Norm2.weight!), Copy(block.Norm2.bias!));
            (_expandWeight, _expandBias) = Copy(block.Expand);
            (_contractWeight, _contractBias) = Copy(block.Contract);
            (_routerWeight, _routerBias) = Copy(mixture.Router.Scores);

            // Rows: q, k, v of expert 0, of expert 1, …, then the router's hidden layer. The 1/√d of the scores goes into q.
            _readWeight = cat([.. mixture.Experts.SelectMany(e => new[] { e.Query.weight.Times(scale), e.Key.weight, e.Value.weight }), mixture.Router.Hidden.weight], 0).detach(); // (3·E·D + R, D)
            _readBias = cat([.. mixture.Experts.SelectMany(e => new[] { e.Query.bias!.Times(scale), e.Key.bias!, e.Value.bias! }), mixture.Router.Hidden.bias!], 0).detach();

            // merge(Σ pₑ (Wₑ aₑ + bₑ)) = Σ (merge·Wₑ)(pₑ aₑ) + Σ pₑ (merge·bₑ) + bias: columns for every pₑ aₑ, then one column for every pₑ.
            Tensor merge = mixture.Merge.weight; // (D, D)
            _mixWeight = cat([.. mixture.Experts.Select(e => merge.mm(e.Output.weight)), .. mixture.Experts.Select(e => merge.mv(e.Output.bias!).unsqueeze(1))], 1).detach(); // (D, E·D + E)
            _mixBias = Copy(mixture.Merge.bias!);
        }

        /// <summary>Changes x (B·N, D) in place; returns the routing (B·N, E).</summary>
        public Tensor Forward(Tensor x)
        {
            int width = _config.Width, heads = _config.Heads, tokens = _config.Tokens, experts = _config.Experts;
            long rows = x.shape[0], batch = rows / tokens;
            Tensor read = functional.linear(functional.layer_norm(x, [width], _norm1Weight, _norm1Bias), _readWeight, _readBias); // (B·N, 3·E·D + R)
            Tensor hidden = read.narrow(1, 3L * experts * width, _config.RouterWidth);
            hidden = _config.RouterActivation == RouterActivation.Gelu ? functional.gelu(hidden) : functional.relu(hidden);
            Tensor routing = functional.linear(hidden, _routerWeight, _routerBias).softmax(-1); // (B·N, E)

            Tensor mix = empty(rows, experts * width + experts);
            mix.narrow(1, (long)experts * width, experts).copy_(routing);
            for (int e = 0; e < experts; e++)
            {
                Tensor qkv = read.narrow(1, 3L * e * width, 3L * width).reshape(batch, tokens, 3, heads, -1).permute(2, 0, 3, 1, 4).contiguous(); // (3, B, H, N, d)
                Tensor scores = matmul(qkv[0], qkv[1].transpose(-2, -1)); // (B, H, N, N)
                TopKSelection.SoftmaxOfLargest(scores, _config.KeysAttended[e]);
                Tensor attended = matmul(scores, qkv[2]).transpose(1, 2).reshape(rows, width); // (B·N, D)
                mix.narrow(1, (long)e * width, width).copy_(attended.mul_(routing.narrow(1, e, 1)));
            }

            x.Increase(functional.linear(mix, _mixWeight, _mixBias)); // (B·N, D)
            Tensor expanded = functional.linear(functional.layer_norm(x, [width], _norm2Weight, _norm2Bias), _expandWeight, _expandBias);
            x.Increase(functional.linear(functional.gelu(expanded), _contractWeight, _contractBias)); // (B·N, D)
            return routing;
        }

        public IEnumerable<Tensor> Tensors =>
        [
            _norm1Weight, _norm1Bias, _norm2Weight, _norm2Bias, _readWeight, _readBias, _mixWeight, _mixBias, _routerWeight, _routerBias,
            _expandWeight, _expandBias, _contractWeight, _contractBias,
        ];

        private static Tensor Copy(Tensor tensor) => tensor.detach().clone();

        private static (Tensor Weight, Tensor Bias) Copy(Linear linear) => (Copy(linear.weight), Copy(linear.bias!));
    }
}
