using static TorchSharp.torch;

namespace DenoiseService.Model.Tests;

/// <summary>Configurations and functions that stand in the network's place.</summary>
internal static class Networks
{
    /// <summary>Small enough for a test, odd enough to show mixed-up axes: N = 25, d = 8, E = 2.</summary>
    public static ModelConfig Odd { get; } = new()
    {
        Width = 24, Heads = 3, Blocks = 3, PatchSide = 2, TileSide = 10, FeedForwardWidth = 20, RouterWidth = 7, KeysKept = [5, 40],
    };

    /// <summary>The released code's form at a small width: heads of 32.</summary>
    public static ModelConfig Tiny { get; } = new() { Width = 32, Heads = 1, FeedForwardWidth = 16, RouterWidth = 8 };

    /// <summary>The form that ships, at a small width: windowed, with a stem, reads the noise level.</summary>
    public static ModelConfig Photographs { get; } = ModelConfig.Photographs with { Width = 16, Heads = 2, FeedForwardWidth = 16, RouterWidth = 8, StemPairs = 1, HalfWidth = 4 };

    public static ModelConfig Tile(int side, int patch = 1) => new() { TileSide = side, PatchSide = patch, Width = 1, Heads = 1, Blocks = 1, KeysKept = [1, 1] };

    /// <summary>An engine around a function of tiles; its routing is uniform.</summary>
    public static Denoiser Engine(ModelConfig config, Func<Tensor, Tensor> network, DenoiserOptions? options = null) =>
        new(config, tiles => (network(tiles), full([tiles.shape[0], config.Blocks, config.Tokens, config.Experts], 1f / config.Experts)), options);

    /// <summary>As after training: a fresh network may do nothing, for its last layer starts as zero.</summary>
    public static SmallViT Trained(ModelConfig config)
    {
        SmallViT network = SmallViT.WithSeed(config, 3);
        using (no_grad())
        using (NewDisposeScope())
        using (var generator = new Generator(5, CPU))
        {
            foreach (Tensor p in network.parameters()) p.add_(randn(p.shape, generator: generator) * 0.01f);
        }

        network.eval();
        return network;
    }

    public static float[] Read(Tensor tensor)
    {
        using Tensor plain = tensor.detach();
        using Tensor contiguous = plain.contiguous();
        return contiguous.data<float>().ToArray();
    }
}

/// <summary>Whole numbers over the whole range, for FsCheck: its own are small, and as seeds would be the same few again and again.</summary>
public static class Seeds
{
    public static FsCheck.Arbitrary<int> All() => FsCheck.Fluent.Arb.From(FsCheck.Fluent.Gen.Choose(0, int.MaxValue));
}
