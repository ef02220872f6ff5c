using FsCheck.Xunit;

namespace DenoiseService.Model.Tests;

public sealed class TilingTests
{
    /// <summary>A length 1 to 200, a tile 1 to 64, an overlap 0 to tile − 1.</summary>
    private static TileAxis Axis(int seed, out int overlap)
    {
        var random = new Random(seed);
        int tile = random.Next(1, 65);
        overlap = random.Next(tile);
        return TileAxis.Cover(random.Next(1, 201), tile, overlap);
    }

    [Property(MaxTest = 3000, Arbitrary = [typeof(Seeds)])]
    public void Weights_sum_to_1_on_every_pixel_and_are_0_beyond(int seed)
    {
        TileAxis axis = Axis(seed, out _);
        var sums = new double[axis.Length];
        for (int t = 0; t < axis.Starts.Count; t++)
        {
            ReadOnlySpan<float> weights = axis.WeightsOf(t);
            Assert.Equal(axis.Tile, weights.Length);
            for (int i = 0; i < weights.Length; i++)
            {
                Assert.InRange(weights[i], 0, 1);
                if (axis.Starts[t] + i < axis.Length) sums[axis.Starts[t] + i] += weights[i];
                else Assert.Equal(0, weights[i]);
            }
        }

        Assert.All(sums, s => Assert.Equal(1, s, 1e-6));
    }

    [Property(MaxTest = 3000, Arbitrary = [typeof(Seeds)])]
    public void A_pixel_that_one_tile_sees_has_weight_1_at_the_border_too(int seed)
    {
        TileAxis axis = Axis(seed, out _);
        for (int t = 0; t < axis.Starts.Count; t++)
        {
            for (int i = 0; i < axis.Tile && axis.Starts[t] + i < axis.Length; i++)
            {
                int pixel = axis.Starts[t] + i;
                if (axis.Starts.Count(s => s <= pixel && pixel < s + axis.Tile) == 1) Assert.Equal(1, axis.WeightsOf(t)[i]);
            }
        }
    }

    [Property(MaxTest = 3000, Arbitrary = [typeof(Seeds)])]
    public void Tiles_start_at_0_end_at_the_border_and_share_at_least_the_overlap(int seed)
    {
        TileAxis axis = Axis(seed, out int overlap);
        Assert.Equal(0, axis.Starts[0]);
        if (axis.Length <= axis.Tile) Assert.Single(axis.Starts);
        else Assert.Equal(axis.Length, axis.Starts[^1] + axis.Tile);
        for (int t = 1; t < axis.Starts.Count; t++)
        {
            Assert.True(axis.Starts[t] > axis.Starts[t - 1]);
            Assert.InRange(axis.Starts[t - 1] + axis.Tile - axis.Starts[t], overlap, axis.Tile - 1);
        }

        // One tile fewer would not do.
        int tiles = axis.Starts.Count;
        Assert.True(tiles == 1 || axis.Tile + (tiles - 2) * (axis.Tile - overlap) < axis.Length);
    }

    [Property(MaxTest = 1000, Arbitrary = [typeof(Seeds)])]
    public void A_tile_weighs_little_at_the_edge_that_a_neighbour_overlaps(int seed)
    {
        TileAxis axis = Axis(seed, out _);
        for (int t = 1; t < axis.Starts.Count; t++)
        {
            int shared = axis.Starts[t - 1] + axis.Tile - axis.Starts[t];
            if (shared < 2) continue;
            Assert.True(axis.WeightsOf(t)[0] <= 0.5f, "the first pixel of a tile belongs to its neighbour");
            Assert.True(axis.WeightsOf(t - 1)[^1] <= 0.5f);
        }
    }

    [Fact]
    public void Two_tiles_cross_fade_linearly()
    {
        TileAxis axis = TileAxis.Cover(12, 8, 4);
        Assert.Equal([0, 4], axis.Starts);
        Assert.Equal([1, 1, 1, 1, 0.875f, 0.625f, 0.375f, 0.125f], axis.WeightsOf(0).ToArray());
        Assert.Equal([0.125f, 0.375f, 0.625f, 0.875f, 1, 1, 1, 1], axis.WeightsOf(1).ToArray());
    }

    [Fact]
    public void Reflection_does_not_repeat_the_border()
    {
        Assert.Equal([2, 1, 0, 1, 2, 3, 2, 1, 0, 1, 2, 3, 2], Enumerable.Range(-2, 13).Select(i => TileAxis.Reflect(i, 4)));
        Assert.Equal([0, 1, 0, 1, 0], Enumerable.Range(-2, 5).Select(i => TileAxis.Reflect(i, 2)));
        Assert.All(Enumerable.Range(-5, 11), i => Assert.Equal(0, TileAxis.Reflect(i, 1)));
    }

    [Theory]
    [InlineData(0, 8, 0)]
    [InlineData(8, 0, 0)]
    [InlineData(8, 8, -1)]
    [InlineData(8, 8, 8)]
    public void Impossible_covers_are_refused(int length, int tile, int overlap) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => TileAxis.Cover(length, tile, overlap));

    [Fact]
    public void A_long_side_does_not_overflow() => Assert.Equal(200_000, TileAxis.Cover(200_000, 4, 0).Starts[^1] + 4);

    [Fact]
    public void A_plan_is_rows_times_columns()
    {
        TilePlan plan = TilePlan.For(33, 100, 32, 8);
        Assert.Equal((2, 4, 8), (plan.Rows.Starts.Count, plan.Columns.Starts.Count, plan.Count));
    }
}
