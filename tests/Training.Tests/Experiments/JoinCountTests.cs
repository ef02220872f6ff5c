using DenoiseService.Training.Experiments;

namespace DenoiseService.Training.Tests.Experiments;

public sealed class JoinCountTests
{
    private static readonly int[] Checkerboard = Map((y, x) => (y + x) % 2), Halves = Map((_, x) => x / 4), Constant = Map((_, _) => 1);

    [Fact]
    public void A_grid_of_8_by_8_has_112_pairs() => Assert.Equal(112, JoinCount.Pairs(8, 8));

    [Fact]
    public void Equal_neighbours_of_known_maps_are_counted()
    {
        Assert.Equal(0, JoinCount.Same(Checkerboard, 8, 8));
        Assert.Equal(104, JoinCount.Same(Halves, 8, 8)); // all but the 8 pairs across the middle
        Assert.Equal(112, JoinCount.Same(Constant, 8, 8));
        Assert.Equal(4, JoinCount.Same([1, 1, 2, 1, 1, 0], 2, 3)); // one across in each row, two down
    }

    [Fact]
    public void Halves_are_coherent_a_checkerboard_is_not_and_a_constant_map_cannot_be_tested()
    {
        Coherence halves = Test(Halves, 999, 1), checkerboard = Test(Checkerboard, 999, 1), constant = Test(Constant, 99, 1);
        Assert.Equal(0.001, halves.P, 1e-12);
        Assert.InRange(halves.Z, 5, 20);
        Assert.Equal(31.0 / 63, halves.NullMean, 0.01); // of two patches in random order, both of one half
        Assert.Equal(1, checkerboard.P);
        Assert.InRange(checkerboard.Z, -20, -5);
        Assert.Equal((1, 1, 1), (constant.P, constant.Share, constant.NullMean));
        Assert.True(double.IsNaN(constant.Z));
    }

    [Fact]
    public void P_values_of_maps_in_random_order_are_uniform()
    {
        var random = new Random(5);
        double[] p = Enumerable.Range(0, 500).Select(i =>
        {
            int[] map = Map((_, _) => random.Next(3));
            return Test(map, 99, i).P;
        }).ToArray();
        // Equal counts make the test a little conservative, never liberal.
        Assert.InRange(p.Average(), 0.46, 0.60);
        foreach (double level in new[] { 0.05, 0.2, 0.5, 0.8 }) Assert.InRange(p.Count(v => v <= level) / 500.0, level - 0.11, level + 0.045);
    }

    [Fact]
    public void The_same_seed_permutes_the_same_and_leaves_the_map_alone()
    {
        int[] map = [.. Halves];
        Assert.Equal(JoinCount.Permute(map, 8, 8, 20, 3).Nulls, JoinCount.Permute(map, 8, 8, 20, 3).Nulls);
        Assert.NotEqual(JoinCount.Permute(map, 8, 8, 20, 3).Nulls, JoinCount.Permute(map, 8, 8, 20, 4).Nulls);
        Assert.Equal(Halves, map);
    }

    private static Coherence Test(int[] map, int permutations, long seed)
    {
        (double share, double[] nulls) = JoinCount.Permute(map, 8, 8, permutations, seed);
        return Coherence.Of(share, nulls);
    }

    private static int[] Map(Func<int, int, int> at) => Enumerable.Range(0, 64).Select(i => at(i / 8, i % 8)).ToArray();
}
