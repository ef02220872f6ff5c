using DenoiseService.Model.Attention;
using static TorchSharp.torch;

namespace DenoiseService.Model.Tests;

/// <summary>A windowed network takes tiles of any number of windows, so the engine chooses.</summary>
public sealed class WindowedDenoiserTests
{
    private static readonly ModelConfig Windowed = ModelConfig.Photographs with { Width = 16, Heads = 2, FeedForwardWidth = 16, RouterWidth = 8, StemWidth = 4, HalfWidth = 4 };

    [Theory]
    [InlineData(20, 30, 32)]
    [InlineData(32, 32, 32)]
    [InlineData(33, 10, 64)]
    [InlineData(100, 40, 128)]
    [InlineData(1000, 40, 128)]
    public void A_small_picture_gets_a_tile_that_just_holds_it(int height, int width, int side)
    {
        using Denoiser denoiser = Identity();
        Assert.Equal(side, denoiser.Tile(new float[height * width], height, width).Config.TileSide);
        Assert.Equal(denoiser.TilesOf(height, width) * (long)(side / 4 * (side / 4)), denoiser.PatchesOf(height, width));
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
    public void A_windowed_mixture_is_not_given_to_the_fused_form_that_knows_no_windows()
    {
        Assert.False(FusedNetwork.Covers(new ModelConfig { WindowSide = 4 }));
        Assert.False(FusedNetwork.Covers(new ModelConfig { StemWidth = 8 }));
        Assert.True(FusedNetwork.Covers(new ModelConfig()));
    }

    [Fact]
    public void A_tile_that_finds_no_memory_beside_another_runs_alone()
    {
        int running = 0, refused = 0;
        using var denoiser = new Denoiser(
            Windowed,
            tiles =>
            {
                try
                {
                    bool alone = Interlocked.Increment(ref running) == 1;
                    Thread.Sleep(20); // long enough for another to start
                    if (alone) return (tiles.clone(), full([tiles.shape[0], Windowed.Blocks, tiles.shape[2] / 4 * (tiles.shape[3] / 4), Windowed.Experts], 1f / Windowed.Experts));
                    Interlocked.Increment(ref refused);
                    throw new System.Runtime.InteropServices.ExternalException("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes.");
                }
                finally
                {
                    Interlocked.Decrement(ref running);
                }
            },
            new DenoiserOptions { Threads = 2 });
        float[] picture = Numbers.Uniform(400 * 300, 1), before = (float[])picture.Clone();
        denoiser.Denoise(picture, 400, 300);
        Assert.Equal(before, picture);
        Assert.True(refused > 0, "No two tiles ran at once, so nothing was shown.");
    }

    [Fact]
    public void The_largest_tile_is_rounded_down_to_whole_windows()
    {
        using Denoiser denoiser = Identity(new DenoiserOptions { MaxTileSide = 100 });
        Assert.Equal(96, denoiser.Config.TileSide);
    }

    private static Denoiser Identity(DenoiserOptions? options = null) => new(
        Windowed,
        tiles => (tiles.clone(), full([tiles.shape[0], Windowed.Blocks, tiles.shape[2] / 4 * (tiles.shape[3] / 4), Windowed.Experts], 1f / Windowed.Experts)),
        options);
}
