using DenoiseService.Model.Attention;
using static TorchSharp.torch;

namespace DenoiseService.Model.Tests;

/// <summary>A windowed network takes tiles of any number of windows, so the engine chooses.</summary>
public sealed class WindowedDenoiserTests
{
    private static readonly ModelConfig Windowed = Networks.Photographs;

    [Theory]
    [InlineData(20, 30, 32)]
    [InlineData(32, 32, 32)]
    [InlineData(33, 10, 40)]
    [InlineData(41, 10, 32)] // two tiles of 32 are less than one of 48
    [InlineData(100, 40, 40)]
    [InlineData(128, 128, 128)]
    [InlineData(130, 140, 144)] // not whole windows of 32 pixels
    [InlineData(500, 500, 256)]
    [InlineData(1024, 1024, 264)]
    public void A_picture_gets_the_tiles_that_cover_it_with_the_fewest_pixels(int height, int width, int side)
    {
        using Denoiser denoiser = Identity();
        Assert.Equal(side, denoiser.Tile(new float[height * width], height, width).Config.TileSide);
        Assert.Equal(TilePlan.For(height, width, side, 8).Count, denoiser.TilesOf(height, width));
        Assert.Equal(denoiser.TilesOf(height, width) * (long)(side / 4 * (side / 4)), denoiser.PatchesOf(height, width));
        Assert.All(Enumerable.Range(4, 33).Select(steps => 8 * steps), other => Assert.True(TilePlan.For(height, width, other, 8).Count * other * other >= denoiser.TilesOf(height, width) * side * side));
    }

    [Fact]
    public void Pictures_of_different_tile_sizes_share_a_step()
    {
        using Denoiser denoiser = Identity();
        (int H, int W)[] sizes = [(20, 30), (300, 200), (64, 64), (31, 32), (1, 1)];
        float[][] pictures = sizes.Select((s, i) => Numbers.Uniform(3 * s.H * s.W, i)).ToArray(), before = pictures.Select(p => (float[])p.Clone()).ToArray();
        TiledPicture[] tiled = sizes.Select((s, i) => denoiser.Tile(pictures[i], s.H, s.W, withRouting: true)).ToArray();
        while (tiled.Any(t => !t.Finished)) denoiser.Step([.. tiled.Select(t => new BatchPart(t, Math.Min(2, t.TilesWaiting)))]);
        Assert.Equal(before, pictures);
        Assert.All(tiled.Zip(sizes), t => Assert.Equal((t.Second.H + 3) / 4, t.First.Routing().Rows));
    }

    [Fact]
    public void A_real_windowed_network_runs_on_any_size_and_agrees_with_itself_on_one_tile()
    {
        random.manual_seed(3);
        var network = new SmallViT(Windowed);
        using (no_grad())
        {
            foreach (TorchSharp.Modules.Parameter p in network.parameters()) p.add_(randn_like(p).mul_(0.05f));
        }

        network.eval();
        float[] picture = Numbers.Uniform(3 * 64 * 64, 1);
        float[] expected;
        using (inference_mode())
        using (NewDisposeScope())
        {
            expected = Networks.Read(network.call(tensor(picture, [1, 3, 64, 64])).Image);
        }

        using var denoiser = new Denoiser(network);
        denoiser.Denoise(picture, 64, 64);
        Assert.InRange(Numbers.LargestDifference(expected, picture), 0, 1e-6);
        foreach ((int h, int w) in new[] { (1, 1), (3, 200), (130, 129), (257, 64) }) Assert.NotNull(denoiser.Denoise(Numbers.Uniform(h * w, 2), h, w, withRouting: true));
    }

    [Fact]
    public void What_the_fused_form_does_not_know_is_not_given_to_it()
    {
        Assert.False(FusedNetwork.Covers(new ModelConfig { WindowSide = 4 }));
        Assert.False(FusedNetwork.Covers(new ModelConfig { StemWidth = 8 }));
        Assert.False(FusedNetwork.Covers(new ModelConfig { UnshuffledStem = true }));
        Assert.False(FusedNetwork.Covers(new ModelConfig { Residual = true, Shrinkage = 0.001 }));
        Assert.True(FusedNetwork.Covers(new ModelConfig()));
    }

    [Theory]
    [InlineData(256)] // every tile alone in its chunk
    [InlineData(64)] // four in each
    public void A_tile_that_finds_no_memory_beside_another_runs_alone_and_once(int side)
    {
        int running = 0;
        using var refused = new ManualResetEventSlim();
        using var denoiser = new Denoiser(
            Windowed,
            tiles =>
            {
                try
                {
                    if (Interlocked.Increment(ref running) == 1)
                    {
                        refused.Wait(TimeSpan.FromSeconds(30)); // once, until another has started beside it: a busy pool takes its time
                        return (tiles * 0.5f, full([tiles.shape[0], Windowed.Blocks, tiles.shape[2] / 4 * (tiles.shape[3] / 4), Windowed.Experts], 1f / Windowed.Experts));
                    }

                    refused.Set();
                    throw new System.Runtime.InteropServices.ExternalException("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes.");
                }
                finally
                {
                    Interlocked.Decrement(ref running);
                }
            },
            new DenoiserOptions { Threads = 2, MaxTileSide = side });
        int most = denoiser.MaxBatchTiles;
        float[] picture = Numbers.Uniform(400 * 300, 1), before = (float[])picture.Clone();
        denoiser.Denoise(picture, 400, 300);
        Assert.InRange(Numbers.LargestDifference(before.Select(p => p * 0.5), picture), 0, 2e-6);
        Assert.True(refused.IsSet, "No two tiles ran at once, so nothing was shown.");
        Assert.True(denoiser.MaxBatchTiles < most, "it is remembered");
    }

    [Fact]
    public void The_largest_tile_is_rounded_down_to_pairs_of_tokens()
    {
        using Denoiser denoiser = Identity(new DenoiserOptions { MaxTileSide = 127 }), least = Identity(new DenoiserOptions { MaxTileSide = 20 });
        Assert.Equal(120, denoiser.Config.TileSide);
        Assert.Equal(32, least.Config.TileSide);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_full_batch_leaves_no_thread_idle(int threads)
    {
        using Denoiser denoiser = Identity(new DenoiserOptions { Threads = threads }), alone = Identity(new DenoiserOptions { Threads = threads, BatchMemory = 1 });
        Assert.Equal(0, denoiser.MaxBatchTiles % threads);
        Assert.Equal(1, alone.MaxBatchTiles);
    }

    [Fact]
    public void The_largest_tile_is_one_that_fits_into_the_memory()
    {
        using Denoiser plenty = Identity(), little = Identity(new DenoiserOptions { BatchMemory = 8 << 20 });
        Assert.Equal(288, plenty.Config.TileSide);
        Assert.InRange(little.Config.TileSide, 64, 192);
        Denoiser.CheckMemory(Windowed, new DenoiserOptions { BatchMemory = 8 << 20 });
        string message = Assert.Throws<ModelConfigException>(() => Denoiser.CheckMemory(Windowed, new DenoiserOptions { BatchMemory = 1 << 10 })).Message;
        Assert.Contains("1024 are allowed", message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_overlap_asked_for_is_kept_unless_one_tile_holds_the_picture()
    {
        using Denoiser denoiser = Identity(new DenoiserOptions { Overlap = 40 });
        Assert.Equal(32, denoiser.Tile(new float[32 * 30], 32, 30).Config.TileSide);
        Assert.All(new[] { 33, 70, 100, 300, 1000 }, length => Assert.InRange(denoiser.Tile(new float[length * 10], length, 10).Config.TileSide, Math.Min(length, 41), 288));
    }

    private static Denoiser Identity(DenoiserOptions? options = null) => new(
        Windowed,
        tiles => (tiles.clone(), full([tiles.shape[0], Windowed.Blocks, tiles.shape[2] / 4 * (tiles.shape[3] / 4), Windowed.Experts], 1f / Windowed.Experts)),
        options);

    [Fact]
    public void Bfloat16_gives_the_same_picture_within_its_rounding()
    {
        using Denoiser plain = new(Networks.Trained(ModelConfig.Photographs)), rounding = new(Networks.Trained(ModelConfig.Photographs), new DenoiserOptions { Precision = Precision.BFloat16 });
        float[] exact = RandomPicture(80 * 100), rounded = (float[])exact.Clone(), input = (float[])exact.Clone();
        RoutingMap exactMap = plain.Denoise(exact, 80, 100, withRouting: true)!, roundedMap = rounding.Denoise(rounded, 80, 100, withRouting: true)!;
        float change = exact.Zip(input, (a, b) => Math.Abs(a - b)).Max(), error = exact.Zip(rounded, (a, b) => Math.Abs(a - b)).Max();
        Assert.True(change > 0.02, $"the network does something: {change}");
        Assert.True(error > 0 && error < 0.05 * change + 1e-3, $"change {change}, error {error}");
        Assert.True(exactMap.Probabilities.Zip(roundedMap.Probabilities, (a, b) => Math.Abs(a - b)).Max() < 0.02);
    }

    /// <summary>It takes the filters in another form, and overwrites what is not needed any more.</summary>
    [Fact]
    public void The_engine_gives_what_the_plain_network_gives()
    {
        using SmallViT network = Networks.Trained(ModelConfig.Photographs);
        using var denoiser = new Denoiser(Networks.Trained(ModelConfig.Photographs));
        float[] picture = RandomPicture(96 * 96);
        using (inference_mode())
        using (NewDisposeScope())
        {
            float[] expected = Networks.Read(network.call(tensor(picture, [1, 3, 96, 96])).Image), before = (float[])picture.Clone();
            denoiser.Denoise(picture, 96, 96);
            Assert.True(Numbers.LargestDifference(before, picture) > 0.02, "the network does something");
            Assert.InRange(Numbers.LargestDifference(expected, picture), 0, 1e-5);
        }
    }

    [Theory]
    [InlineData(AttentionKind.SharedMixture, RoutingKind.Uniform)]
    [InlineData(AttentionKind.SharedMixture, RoutingKind.Random)]
    [InlineData(AttentionKind.None, RoutingKind.Learned)]
    public void Bfloat16_gives_every_patch_a_distribution_however_it_is_routed(AttentionKind attention, RoutingKind routing)
    {
        ModelConfig config = Windowed with { Attention = attention, Routing = routing };
        using var denoiser = new Denoiser(Networks.Trained(config), new DenoiserOptions { Precision = Precision.BFloat16 });
        RoutingMap map = denoiser.Denoise(RandomPicture(40 * 64), 40, 64, withRouting: true)!;
        foreach (float[] patch in map.Probabilities.Chunk(config.Experts))
        {
            Assert.All(patch, p => Assert.InRange(p, 0, 1));
            Assert.InRange(patch.Sum(), 0.99, 1.01);
        }
    }

    [Fact]
    public void Bfloat16_is_refused_for_networks_it_is_not_made_for() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new Denoiser(new SmallViT(new ModelConfig()), new DenoiserOptions { Precision = Precision.BFloat16 }));

    private static float[] RandomPicture(int pixels)
    {
        var random = new Random(4);
        return Enumerable.Range(0, 3 * pixels).Select(_ => random.NextSingle()).ToArray();
    }
}
