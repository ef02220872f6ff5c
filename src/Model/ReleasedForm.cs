using System.Globalization;
using static TorchSharp.torch;

namespace DenoiseService.Model;

/// <summary>Recognises the configuration of a checkpoint of the released code, which says nothing about itself, from its names and shapes.</summary>
internal static class ReleasedForm
{
    // Not visible in any shape, fixed in the released code: heads of 32, budgets 32, 64, 128, … , a ReLU in the router.
    private const int HeadWidth = 32, FirstBudget = 32;

    public static ModelConfig Recognise(IReadOnlyDictionary<string, Tensor> tensors, string file)
    {
        long[] position = Shape("pos_embed", 3), embed = Shape("patch_embed.weight", 4), expand = Shape("blocks.0.ffn.0.weight", 2);
        int width = (int)embed[0], patch = (int)embed[2], gridSide = (int)Math.Round(Math.Sqrt(position[1]));
        int blocks = 1 + Indices("blocks.").Max();
        bool router = tensors.ContainsKey("blocks.0.attn.router.routing_net.0.weight"), experts = tensors.Keys.Any(k => k.StartsWith("blocks.0.attn.experts.", StringComparison.Ordinal));
        int expertCount = experts ? 1 + Indices("blocks.0.attn.experts.").Max() : 3;
        var config = new ModelConfig
        {
            Width = width,
            Heads = Math.Max(1, width / HeadWidth),
            Blocks = blocks,
            PatchSide = patch,
            TileSide = gridSide * patch,
            FeedForwardWidth = (int)expand[0],
            RouterWidth = router ? (int)Shape("blocks.0.attn.router.routing_net.0.weight", 2)[0] : new ModelConfig().RouterWidth,
            KeysKept = Enumerable.Range(0, expertCount).Select(e => FirstBudget << Math.Min(e, 20)).ToArray(),
            Attention = router ? AttentionKind.AdaptiveMixture : experts ? AttentionKind.NonAdaptiveSparse : AttentionKind.Standard,
            RouterActivation = RouterActivation.Relu,
        };
        try
        {
            return config.Validated();
        }
        catch (ModelConfigException e)
        {
            throw new CheckpointException($"{file} has no card, and its shapes are not those of a SmallViT: {e.Message}", e);
        }

        long[] Shape(string name, int dimensions)
        {
            if (!tensors.TryGetValue(name, out Tensor? tensor)) throw new CheckpointException($"{file} has no card and lacks tensor {name}, so it is not a checkpoint of the released code.");
            if (tensor.shape.Length != dimensions) throw new CheckpointException($"{file}: tensor {name} has {tensor.shape.Length} dimensions, not {dimensions}.");
            return tensor.shape;
        }

        IEnumerable<int> Indices(string prefix) => tensors.Keys
            .Where(k => k.StartsWith(prefix, StringComparison.Ordinal))
            .Select(k => int.TryParse(k.AsSpan(prefix.Length, Math.Max(0, k.IndexOf('.', prefix.Length) - prefix.Length)), NumberStyles.None, CultureInfo.InvariantCulture, out int index) ? Math.Min(index, 1000) : 0);
    }
}
