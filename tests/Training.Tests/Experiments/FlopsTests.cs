using DenoiseService.Model;
using DenoiseService.Training.Experiments;

namespace DenoiseService.Training.Tests.Experiments;

public sealed class FlopsTests
{
    [Theory]
    [InlineData(AttentionKind.Standard, 32, 1.05)]
    [InlineData(AttentionKind.AdaptiveMixture, 32, 1.22)]
    [InlineData(AttentionKind.Standard, 64, 16.8)]
    [InlineData(AttentionKind.AdaptiveMixture, 64, 4.89)]
    public void The_reports_formula_gives_the_reports_numbers(AttentionKind attention, int side, double millions) =>
        Assert.Equal(millions, Flops.ByReport(new ModelConfig { Attention = attention, TileSide = side }) / 1e6, 0.05);

    [Fact]
    public void The_honest_count_is_the_sum_of_the_products_of_the_standard_network()
    {
        // N 64, D 128, one network: patches 2·64·128·48 twice; a block: 4 projections, scores and sums 2·64·64·128 each, FFN 2·64·128·256 twice.
        double patches = 2 * 2.0 * 64 * 128 * 48, block = 4 * 2.0 * 64 * 128 * 128 + 2 * 2.0 * 64 * 64 * 128 + 2 * 2.0 * 64 * 128 * 256;
        Assert.Equal(patches + 2 * block, Flops.Honest(new ModelConfig { Attention = AttentionKind.Standard }));
    }

    [Fact]
    public void Budgets_save_only_weighted_sums_never_scores()
    {
        var large = new ModelConfig { TileSide = 128 };
        double saved = Flops.Honest(large with { KeysKept = [1024, 1024, 1024] }) - Flops.Honest(large);
        Assert.Equal(2 * 2.0 * 1024 * 128 * (3 * 1024 - (32 + 64 + 128)), saved);
    }
}
