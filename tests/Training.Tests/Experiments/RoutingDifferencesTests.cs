using DenoiseService.Training.Experiments;

namespace DenoiseService.Training.Tests.Experiments;

public sealed class RoutingDifferencesTests
{
    [Fact]
    public void Total_variation_is_0_for_equal_1_for_disjoint_and_the_mean_over_positions()
    {
        Assert.Equal(0, RoutingDifferences.Distance([0.2f, 0.8f], [0.2f, 0.8f], 2));
        Assert.Equal(1, RoutingDifferences.Distance([1, 0, 0], [0, 0, 1], 3));
        Assert.Equal(0.25, RoutingDifferences.Distance([1, 0, 0.5f, 0.5f], [0.5f, 0.5f, 0.5f, 0.5f], 2), 1e-9);
    }

    [Fact]
    public void The_mean_over_pairs_by_sorting_is_that_of_the_pairs_one_by_one()
    {
        float[][] maps = Maps(7, (i, t, random) => random.NextSingle());
        double[] pairs = Enumerable.Range(0, 7).SelectMany(i => Enumerable.Range(i + 1, 6 - i).Select(j => RoutingDifferences.Distance(maps[i], maps[j], 2))).ToArray();
        Assert.Equal(pairs.Average(), RoutingDifferences.MeanPairDistance(maps, 2), 1e-6);
    }

    [Fact]
    public void Images_that_route_by_themselves_are_told_from_position_and_noise_alone()
    {
        float[][] own = Maps(20, (i, t, random) => 0.3f + 0.02f * i + 0.01f * random.NextSingle()), ownAgain = Maps(20, (i, t, random) => 0.3f + 0.02f * i + 0.01f * random.NextSingle(), 2);
        float[][] alike = Maps(20, (_, t, random) => t / 16f + 0.01f * random.NextSingle()), alikeAgain = Maps(20, (_, t, random) => t / 16f + 0.01f * random.NextSingle(), 2);
        ImageDifferences different = RoutingDifferences.Compare(own, ownAgain, 2, 199, 1), same = RoutingDifferences.Compare(alike, alikeAgain, 2, 199, 1);
        Assert.Equal(0.005, different.P, 1e-12);
        Assert.True(different.BetweenImages > 10 * different.BetweenDraws);
        Assert.True(same.P > 0.05);
        Assert.Equal(same.BetweenImages, same.BetweenDraws, 0.001);
    }

    [Fact]
    public void Shares_of_variance_add_to_1_and_find_what_was_put_in()
    {
        VarianceShares mixed = Decompose(Maps(12, (i, t, random) => 0.02f * t + 0.01f * i + 0.05f * random.NextSingle()));
        Assert.Equal(1, mixed.Position + mixed.Image + mixed.Rest, 1e-9);
        Assert.True(mixed is { Position: > 0.5, Image: > 0.05, Rest: > 0.005 });
        Assert.Equal(1, Decompose(Maps(12, (_, t, _) => 0.05f * t)).Position, 1e-6);
        Assert.Equal(1, Decompose(Maps(12, (i, _, _) => 0.05f * i)).Image, 1e-6);
        Assert.Equal(1, Decompose(Maps(12, (i, t, _) => 0.5f + (i % 2 == t % 2 ? 0.2f : -0.2f))).Rest, 1e-6);
    }

    [Fact]
    public void Noise_is_the_part_that_a_second_draw_changes()
    {
        float[][] first = Maps(200, (_, _, random) => random.NextSingle()), second = Maps(200, (_, _, random) => random.NextSingle(), 2);
        Assert.Equal(1, RoutingDifferences.Decompose(first, second, 2, 0).Noise, 0.06);
        Assert.Equal(0, RoutingDifferences.Decompose(first, first, 2, 0).Noise);
        Assert.True(double.IsNaN(RoutingDifferences.Decompose(first, [], 2, 0).Noise));
    }

    private static VarianceShares Decompose(float[][] maps) => RoutingDifferences.Decompose(maps, [], 2, 0);

    /// <summary>16 positions, two experts.</summary>
    private static float[][] Maps(int images, Func<int, int, Random, float> first, int seed = 1)
    {
        var random = new Random(seed);
        return Enumerable.Range(0, images).Select(i => Enumerable.Range(0, 16).Select(t => first(i, t, random)).SelectMany(p => new[] { p, 1 - p }).ToArray()).ToArray();
    }
}
