using DenoiseService.Model.Attention;
using FsCheck.Xunit;
using static TorchSharp.torch;

namespace DenoiseService.Model.Tests.Attention;

[Trait("Uses", "Vectors")]
public sealed class TopKSelectionTests
{
    private static readonly float[] Nasty =
    [
        0f, -0f, 1e30f, -1e30f, float.MaxValue, float.MinValue, float.Epsilon, -float.Epsilon, 1e-40f, -1e-40f, 1.1754944e-38f,
        float.NegativeInfinity, 1f, 1.0000001f, 0.99999994f, -1f, 3e-5f,
    ];

    /// <summary>Rows of lengths 2 to 300 drawn from: normals, a handful of values, nasty values, one value, and mixtures.</summary>
    private static float[] Row(int seed, out int keysKept)
    {
        var random = new Random(seed);
        int n = random.Next(2, random.Next(2) == 0 ? 40 : 301), kind = random.Next(6), distinct = random.Next(1, 6);
        float[] few = Enumerable.Range(0, distinct).Select(_ => (float)Numbers.Normal(random)).ToArray();
        keysKept = random.Next(1, n);
        return Enumerable.Range(0, n).Select(_ => kind switch
        {
            0 => (float)Numbers.Normal(random),
            1 => few[random.Next(distinct)],
            2 => Nasty[random.Next(Nasty.Length)],
            3 => random.Next(2) == 0 ? 0f : -0f,
            4 => random.Next(3) == 0 ? float.NegativeInfinity : (float)(Numbers.Normal(random) * Math.Pow(10, random.Next(-38, 38))),
            _ => BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(few[0]) + random.Next(-2, 3)), // neighbours in the float line
        }).ToArray();
    }

    [Property(MaxTest = 3000, Arbitrary = [typeof(Seeds)])]
    public void The_mask_keeps_what_sorting_keeps(int seed)
    {
        float[] row = Row(seed, out int keysKept);
        float[] mask = Mask(row, keysKept);
        HashSet<int> expected = Largest(row, keysKept);
        for (int i = 0; i < row.Length; i++) Assert.Equal(expected.Contains(i) ? 0f : float.NegativeInfinity, mask[i]);
    }

    [Property(MaxTest = 3000, Arbitrary = [typeof(Seeds)])]
    public void The_softmax_is_that_over_what_sorting_keeps(int seed)
    {
        float[] row = Row(seed, out int keysKept);
        if (seed % 10 == 0) keysKept = row.Length + seed % 3 * seed % 3;
        HashSet<int> kept = keysKept >= row.Length ? [.. Enumerable.Range(0, row.Length)] : Largest(row, keysKept);
        double max = row.Max();
        if (double.IsInfinity(max)) return; // nothing but −∞: no softmax exists
        double sum = kept.Sum(i => Math.Exp(row[i] - max));
        float[] softmax = SoftmaxOf(row, keysKept);
        for (int i = 0; i < row.Length; i++)
        {
            double expected = kept.Contains(i) ? Math.Exp(row[i] - max) / sum : 0;
            Assert.Equal(expected, softmax[i], 1e-6 + 1e-5 * expected);
            if (!kept.Contains(i)) Assert.Equal(0f, softmax[i]);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(17)]
    [InlineData(64)]
    [InlineData(1000)]
    public void Of_a_constant_row_the_first_k_are_kept(int length)
    {
        foreach (float value in Nasty)
        {
            foreach (int k in new[] { 1, length / 2, length - 1 }.Where(k => k >= 1 && k < length))
            {
                float[] mask = Mask(Enumerable.Repeat(value, length).ToArray(), k);
                Assert.Equal(Enumerable.Range(0, length).Select(i => i < k ? 0f : float.NegativeInfinity), mask);
            }
        }
    }

    [Property(MaxTest = 1000, Arbitrary = [typeof(Seeds)])]
    public async Task Rows_with_NaN_end_and_lose_the_NaN_first(int seed)
    {
        float[] row = Row(seed, out int keysKept);
        var random = new Random(~seed);
        int many = random.Next(3) switch { 0 => 1, 1 => row.Length / 2, _ => row.Length };
        for (int i = 0; i < many; i++) row[random.Next(row.Length)] = random.Next(2) == 0 ? float.NaN : -float.NaN;
        if (random.Next(8) == 0) Array.Fill(row, float.NaN);
        if (random.Next(4) == 0) row[random.Next(row.Length)] = float.PositiveInfinity;
        float[] mask = await Task.Run(() => Mask(row, keysKept)).WaitAsync(TimeSpan.FromSeconds(5));
        HashSet<int> expected = Largest(row, keysKept);
        for (int i = 0; i < row.Length; i++) Assert.Equal(expected.Contains(i) ? 0f : float.NegativeInfinity, mask[i]);
        await Task.Run(() => SoftmaxOf(row, keysKept)).WaitAsync(TimeSpan.FromSeconds(5));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_big_tensor_is_masked_row_by_row_whatever_the_threads(int threads)
    {
        int before = get_num_threads();
        try
        {
            set_num_threads(threads);
            using var scope = NewDisposeScope();
            float[] values = Numbers.Normals(500 * 301, 1);
            float[] mask = Networks.Read(TopKSelection.Mask(tensor(values, [5, 100, 301]), 33));
            for (int r = 0; r < 500; r++) Assert.Equal(Mask(values[(r * 301)..((r + 1) * 301)], 33), mask[(r * 301)..((r + 1) * 301)]);
        }
        finally
        {
            set_num_threads(before);
        }
    }

    [Fact]
    public void The_mask_leaves_its_input_alone_and_carries_no_gradient()
    {
        using var scope = NewDisposeScope();
        Tensor scores = tensor(Numbers.Normals(64, 1), [4, 16], requires_grad: true);
        Tensor mask = TopKSelection.Mask(scores, 3);
        Assert.False(mask.requires_grad);
        Assert.Equal(Numbers.Normals(64, 1), Networks.Read(scores));
    }

    private static HashSet<int> Largest(float[] row, int keysKept) =>
        [.. Enumerable.Range(0, row.Length).Where(i => !float.IsNaN(row[i])).OrderByDescending(i => row[i] + 0f).ThenBy(i => i).Take(keysKept)];

    private static unsafe float[] Mask(float[] row, int keysKept)
    {
        var output = new float[row.Length];
        fixed (float* from = row, to = output) TopKSelection.MaskRow(from, to, row.Length, keysKept);
        return output;
    }

    private static unsafe float[] SoftmaxOf(float[] row, int keysKept)
    {
        float[] output = [.. row]; // in place, as the network uses it
        fixed (float* at = output) TopKSelection.SoftmaxRow(at, at, row.Length, keysKept);
        return output;
    }
}
