using static TorchSharp.torch;

namespace DenoiseService.Model.Tests;

public sealed class DenoiseModeTests
{
    private static readonly ModelConfig Config = Networks.Tile(16, 4) with { Blocks = 2 };

    [Theory]
    [InlineData(11, 14, 3)] // smaller than a tile
    [InlineData(16, 16, 1)]
    [InlineData(41, 52, 3)] // tiles that overlap, across patches
    public void High_is_the_mean_over_the_eight_turned_tiles(int height, int width, int channels)
    {
        float[] picture = Numbers.Uniform(channels * height * width, 1), expected = [.. picture], result = [.. picture], once = [.. picture];
        using var mean = new Denoiser(Config, MeanOverTurns);
        using var denoiser = new Denoiser(Config, Directed);
        RoutingMap expectedMap = mean.Denoise(expected, height, width, 0.8f, withRouting: true)!;
        TiledPicture tiled = denoiser.Tile(result, height, width, 0.8f, withRouting: true, DenoiseMode.High);
        while (!tiled.Finished) denoiser.Step([new BatchPart(tiled, Math.Min(5, tiled.TilesWaiting))]); // batches end between a tile's passes
        Assert.InRange(Numbers.LargestDifference(expected, result), 0, 1e-6);
        Assert.InRange(Numbers.LargestDifference(expectedMap.Probabilities, tiled.Routing().Probabilities), 0, 1e-5);

        RoutingMap onceMap = denoiser.Denoise(once, height, width, 0.8f, withRouting: true)!;
        Assert.True(Numbers.LargestDifference(once, result) > 0.05, "the function of tiles has a direction");
        Assert.True(Numbers.LargestDifference(onceMap.Probabilities, expectedMap.Probabilities) > 0.05, "and so has its routing");
    }

    [Fact]
    public void High_on_a_turned_tile_is_the_turned_result()
    {
        float[] picture = Numbers.Uniform(3 * 16 * 16, 1), result = [.. picture];
        using var denoiser = new Denoiser(Config, Directed);
        denoiser.Denoise(result, 16, 16, mode: DenoiseMode.High);
        using var scope = NewDisposeScope();
        for (int turn = 1; turn < 8; turn++)
        {
            float[] turned = Networks.Read(Turn(tensor(picture, [1, 3, 16, 16]), turn));
            denoiser.Denoise(turned, 16, 16, mode: DenoiseMode.High);
            Assert.InRange(Numbers.LargestDifference(Networks.Read(Turn(tensor(result, [1, 3, 16, 16]), turn)), turned), 0, 1e-6);
        }
    }

    [Theory]
    [InlineData(5, 9)]
    [InlineData(40, 30)]
    public void High_keeps_the_picture_bit_for_bit_if_the_network_does_and_costs_eight_times_the_patches(int height, int width)
    {
        int tiles = 0;
        using Denoiser denoiser = Networks.Engine(Config, x =>
        {
            Interlocked.Add(ref tiles, (int)x.shape[0]);
            return x.clone();
        });
        float[] picture = Numbers.Uniform(height * width, 1), result = [.. picture];
        denoiser.Denoise(result, height, width, mode: DenoiseMode.High);
        Assert.Equal(picture, result);
        int once = denoiser.TilesOf(height, width);
        Assert.Equal((8 * once, 8 * once, 8 * once), (tiles, denoiser.TilesOf(height, width, DenoiseMode.High), denoiser.Tile(picture, height, width, mode: DenoiseMode.High).TilesWaiting));
        Assert.Equal(8 * denoiser.PatchesOf(height, width), denoiser.PatchesOf(height, width, DenoiseMode.High));
    }

    /// <summary>A function of tiles that knows up from down and left from right, in its image and in its routing, and tells places apart.</summary>
    private static (Tensor Image, Tensor Routing) Directed(Tensor tiles)
    {
        Tensor place = linspace(0, 0.2, 16).reshape(1, 1, 1, 16).mul(linspace(0.5, 1, 16).reshape(1, 1, 16, 1)); // (1, 1, T, T)
        Tensor image = tiles.mul(0.3f).Plus(tiles.roll(1, 3).mul(0.4f)).Plus(tiles.roll(2, 2).mul(0.1f)).Plus(place);
        Tensor first = image.mean([1]).reshape(-1, 4, 4, 4, 4).mean([2, 4]).reshape(-1, 1, 16); // (B, 1, N)
        Tensor p = cat([first, first.mul(0.5f)], dim: 1); // (B, L, N)
        return (image, stack([p, ones_like(p) - p], dim: -1)); // (B, L, N, E)
    }

    /// <summary>The definition: the tiles in all turns, the results turned back, their mean.</summary>
    private static (Tensor Image, Tensor Routing) MeanOverTurns(Tensor tiles)
    {
        var images = new List<Tensor>();
        var routings = new List<Tensor>();
        for (int turn = 0; turn < 8; turn++)
        {
            (Tensor image, Tensor routing) = Directed(Turn(tiles, turn));
            images.Add(TurnBack(image, turn));
            Tensor grids = routing.permute(0, 1, 3, 2).reshape(-1, 4, 4, 4); // (B, L·E, rows, columns)
            routings.Add(TurnBack(grids, turn).reshape(-1, 2, 2, 16).permute(0, 1, 3, 2));
        }

        return (stack(images).mean([0]), stack(routings).mean([0]));
    }

    private static Tensor Turn(Tensor squares, int turn) => Flip((turn & 4) == 0 ? squares : squares.transpose(2, 3), turn);

    private static Tensor TurnBack(Tensor squares, int turn) => (turn & 4) == 0 ? Flip(squares, turn) : Flip(squares, turn).transpose(2, 3);

    private static Tensor Flip(Tensor squares, int turn)
    {
        Tensor rows = (turn & 1) == 0 ? squares : squares.flip(2);
        return (turn & 2) == 0 ? rows : rows.flip(3);
    }
}
