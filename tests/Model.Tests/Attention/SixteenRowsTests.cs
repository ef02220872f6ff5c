using DenoiseService.Model.Attention;

namespace DenoiseService.Model.Tests.Attention;

[Trait("Uses", "Vectors")]
public sealed unsafe class SixteenRowsTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    [InlineData(16)]
    public void The_network_sorts_every_arrangement_of_zeros_and_ones_and_so_everything(int n)
    {
        (int Upper, int Lower)[] network = SixteenRows.Batcher(n);
        for (int bits = 0; bits < 1 << n; bits++)
        {
            int[] values = [.. Enumerable.Range(0, n).Select(i => bits >> i & 1)];
            foreach ((int upper, int lower) in network) (values[upper], values[lower]) = (Math.Max(values[upper], values[lower]), Math.Min(values[upper], values[lower]));
            Assert.Equal(values.OrderDescending(), values);
        }
    }

    [SkippableTheory]
    [InlineData(16)]
    [InlineData(32)]
    [InlineData(64)]
    public void Thresholds_are_the_kth_largest_and_not_a_number_where_the_border_is_tied(int n)
    {
        Skip.IfNot(SixteenRows.Covers(n), "This processor has no AVX2.");
        var random = new Random(n);
        // A few values only in the second half of the rounds, so that ties are common.
        for (int round = 0; round < 20; round++)
        {
            float[] rows = [.. Enumerable.Range(0, SixteenRows.Count * n).Select(_ => round < 10 ? random.NextSingle() - 0.5f : random.Next(-n, n))];
            foreach (int k in new[] { 1, n / 4, n - 1 })
            {
                var thresholds = new float[SixteenRows.Count];
                fixed (float* from = rows, to = thresholds) SixteenRows.Thresholds(from, n, k, to);
                for (int r = 0; r < SixteenRows.Count; r++)
                {
                    float[] sorted = [.. rows[(r * n)..((r + 1) * n)].OrderDescending()];
                    Assert.Equal(sorted[k - 1] == sorted[k] ? float.NaN : sorted[k - 1], thresholds[r]);
                }
            }
        }
    }

    [SkippableTheory]
    [InlineData(16)]
    [InlineData(32)]
    [InlineData(64)]
    public void The_mixture_is_that_of_softmaxes_over_the_largest_and_ties_are_left_to_others(int n)
    {
        Skip.IfNot(SixteenRows.Covers(n), "This processor has no AVX2.");
        var random = new Random(n);
        int[] keysKept = [1, n / 4, n - 1, n, 2 * n];
        int mixed = 0;
        // A few values only in the second half of the rounds, so that ties are common.
        for (int round = 0; round < 20; round++)
        {
            float[] rows = [.. Enumerable.Range(0, SixteenRows.Count * n).Select(_ => round < 10 ? 10 * random.NextSingle() - 5 : random.Next(-n, n))], before = [.. rows];
            float[] probabilities = [.. Enumerable.Range(0, SixteenRows.Count * keysKept.Length).Select(_ => random.NextSingle())];
            bool done;
            fixed (float* scores = rows, own = probabilities) done = SixteenRows.Mix(scores, scores, n, own, keysKept);
            double[][] sorted = [.. before.Chunk(n).Select(row => row.Select(x => (double)x).OrderDescending().ToArray())];
            Assert.Equal(!sorted.Any(row => keysKept.Any(k => k < n && row[k - 1] == row[k])), done);
            if (!done)
            {
                Assert.Equal(before, rows);
                continue;
            }

            mixed++;
            for (int r = 0; r < SixteenRows.Count; r++)
            {
                for (int c = 0; c < n; c++)
                {
                    double score = before[r * n + c], expected = 0;
                    for (int e = 0; e < keysKept.Length; e++)
                    {
                        int k = Math.Min(keysKept[e], n);
                        if (score >= sorted[r][k - 1]) expected += probabilities[r * keysKept.Length + e] * Math.Exp(score) / sorted[r][..k].Sum(Math.Exp);
                    }

                    Assert.Equal(expected, rows[r * n + c], 1e-5);
                }
            }
        }

        Assert.InRange(mixed, 5, 15);
    }
}
