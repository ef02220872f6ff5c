using static TorchSharp.torch;

namespace DenoiseService.Model.Tests;

public sealed class RoutingMapTests
{
    private static readonly ModelConfig Config = new() { Width = 8, Heads = 1, FeedForwardWidth = 8, RouterWidth = 4 }; // E = 3, L = 2

    [Fact]
    public void A_picture_of_33_by_47_has_9_by_12_patches_of_which_8_by_11_are_whole()
    {
        using var denoiser = new Denoiser(RandomWeights.For(Config, 1).Network(Config));
        RoutingMap map = denoiser.Denoise(Numbers.Uniform(3 * 33 * 47, 1), 33, 47, withRouting: true)!;
        Assert.Equal((9, 12, 4, 3, 2), (map.Rows, map.Columns, map.PatchSide, map.Experts, map.Blocks));
        Assert.Equal([32, 64, 64], map.KeysAttended);
        for (int block = 0; block < 2; block++)
        {
            var counts = new int[3];
            for (int row = 0; row < 9; row++)
            {
                for (int column = 0; column < 12; column++)
                {
                    float[] p = map.At(block, row, column).ToArray();
                    int chosen = map.ChosenExpert(block, row, column);
                    if (row == 8 || column == 11)
                    {
                        Assert.Equal([-1, -1, -1], p);
                        Assert.Equal(RoutingMap.Padded, chosen);
                        continue;
                    }

                    Assert.Equal(1, p.Sum(), 1e-5);
                    Assert.All(p, x => Assert.InRange(x, 0, 1));
                    Assert.Equal(Array.IndexOf(p, p.Max()), chosen);
                    counts[chosen]++;
                }
            }

            Assert.Equal(8 * 11, counts.Sum());
        }
    }

    [Theory]
    [InlineData(1, 1, 1, 1, 0)]
    [InlineData(3, 100, 1, 25, 0)]
    [InlineData(5, 7, 2, 2, 1)]
    [InlineData(4, 4, 1, 1, 1)]
    [InlineData(32, 32, 8, 8, 64)]
    [InlineData(30, 35, 8, 9, 56)]
    public void A_picture_of_any_size_has_its_own_grid_and_only_whole_patches_count(int height, int width, int rows, int columns, int whole)
    {
        using var denoiser = new Denoiser(RandomWeights.For(Config, 1).Network(Config));
        RoutingMap map = denoiser.Denoise(Numbers.Uniform(height * width, 1), height, width, withRouting: true)!;
        Assert.Equal((rows, columns), (map.Rows, map.Columns));
        for (int block = 0; block < 2; block++)
        {
            int counted = 0;
            for (int i = 0; i < rows * columns; i++)
            {
                int chosen = map.ChosenExpert(block, i / columns, i % columns);
                Assert.Equal(chosen == RoutingMap.Padded ? -3 : 1, map.At(block, i / columns, i % columns).ToArray().Sum(), 1e-5);
                if (chosen != RoutingMap.Padded) counted++;
            }

            Assert.Equal(whole, counted);
        }
    }

    [Fact]
    public void A_token_lands_on_its_own_patch_and_block()
    {
        // The routing names the token and the block: p₀ = token / 100 + block / 1000.
        using Denoiser denoiser = Engine(tiles => (arange(64, ScalarType.Float32).reshape(1, 1, 64) / 100 + tensor(new[] { 0, 0.001f }, [1, 2, 1])).expand(tiles.shape[0], 2, 64), overlap: 0);
        RoutingMap map = denoiser.Denoise(new float[64 * 96], 64, 96, withRouting: true)!;
        for (int block = 0; block < 2; block++)
        {
            for (int row = 0; row < 16; row++)
            {
                for (int column = 0; column < 24; column++) Assert.Equal((row % 8 * 8 + column % 8) / 100f + block / 1000f, map.At(block, row, column)[0], 1e-5f);
            }
        }
    }

    [Theory]
    [InlineData(128, 80, 8, 1e-5)] // tiles start at multiples of the patch
    [InlineData(32, 32, 8, 1e-5)]
    [InlineData(97, 117, 8, 0.03)] // tiles lie across the patches: a token counts where it lies, which smears by less than a patch
    [InlineData(97, 117, 0, 0.03)]
    [InlineData(61, 203, 23, 0.03)]
    public void A_routing_that_follows_the_picture_is_found_where_the_picture_has_it(int height, int width, int overlap, double tolerance)
    {
        // p₀ of a token = mean of its pixels; the picture is a slope of 1/100 a pixel, folded at 1.
        using Denoiser denoiser = Engine(Means, overlap);
        float[] picture = Enumerable.Range(0, height * width).Select(i => 0.3f + 0.3f * MathF.Sin(i % width / 30f) + 0.3f * MathF.Sin(i / width / 40f)).ToArray();
        RoutingMap map = denoiser.Denoise([.. picture], height, width, withRouting: true)!;
        for (int row = 0; row < height / 4; row++)
        {
            for (int column = 0; column < width / 4; column++)
            {
                double mean = Enumerable.Range(0, 16).Average(i => (double)picture[(row * 4 + i / 4) * width + column * 4 + i % 4]);
                Assert.Equal(mean, map.At(1, row, column)[0], tolerance);
            }
        }
    }

    [Theory]
    [InlineData(33, 47)]
    [InlineData(97, 117)]
    [InlineData(5, 300)]
    public void A_constant_routing_stays_constant_over_tiles_that_lie_across_the_patches(int height, int width)
    {
        using Denoiser denoiser = Engine(tiles => full([tiles.shape[0], 2, 64], 0.7f), overlap: 8);
        RoutingMap map = denoiser.Denoise(new float[height * width], height, width, withRouting: true)!;
        for (int row = 0; row < height / 4; row++)
        {
            for (int column = 0; column < width / 4; column++) Assert.Equal(0.7f, map.At(0, row, column)[0], 1e-6f);
        }
    }

    [Fact]
    public void The_map_comes_out_of_the_same_pass()
    {
        int tiles = 0;
        using Denoiser denoiser = Engine(x =>
        {
            Interlocked.Add(ref tiles, (int)x.shape[0]);
            return Means(x);
        }, overlap: 8);
        denoiser.Denoise(new float[100 * 100], 100, 100, withRouting: true);
        Assert.Equal(denoiser.TilesOf(100, 100), tiles);
        Assert.Null(denoiser.Denoise(new float[100 * 100], 100, 100));
    }

    [Fact]
    public void Standard_attention_has_one_expert_everywhere()
    {
        ModelConfig config = Config with { Attention = AttentionKind.Standard };
        using var denoiser = new Denoiser(RandomWeights.For(config, 1).Network(config));
        RoutingMap map = denoiser.Denoise(new float[40 * 40], 40, 40, withRouting: true)!;
        Assert.Equal((1, 2), (map.Experts, map.Blocks));
        Assert.All(map.Probabilities, p => Assert.Equal(1, p, 1e-6f));
        Assert.Equal(0, map.ChosenExpert(1, 9, 9));
    }

    private static Tensor Means(Tensor tiles) =>
        tiles[.., 0, .., ..].reshape(-1, 8, 4, 8, 4).mean([2, 4]).reshape(-1, 1, 64).expand(-1, 2, 64); // (B, L, N)

    /// <summary>An engine whose routing is (p, 1 − p, 0) for a function p of the tiles, (B, L, N).</summary>
    private static Denoiser Engine(Func<Tensor, Tensor> first, int overlap) =>
        new(Config, tiles =>
        {
            Tensor p = first(tiles);
            return (tiles.clone(), stack([p, ones_like(p) - p, zeros_like(p)], dim: -1));
        }, new DenoiserOptions { Overlap = overlap });
}
