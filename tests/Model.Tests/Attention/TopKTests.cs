using DenoiseService.Model.Attention;
using static TorchSharp.torch;

namespace DenoiseService.Model.Tests.Attention;

public sealed class TopKTests
{
    public static TheoryData<int, int> Sizes => new()
    {
        { 1, 1 }, { 1, 5 }, { 2, 1 }, { 7, 3 }, { 15, 14 }, { 16, 8 }, { 17, 16 }, { 31, 1 }, { 64, 1 }, { 64, 32 }, { 64, 63 }, { 64, 64 }, { 64, 128 },
        { 65, 64 }, { 100, 37 }, { 256, 32 }, { 256, 64 }, { 256, 128 }, { 256, 255 }, { 1000, 128 }, { 1000, 999 }, { 1000, 1000 },
    };

    [Theory]
    [MemberData(nameof(Sizes))]
    public void All_forms_equal_the_definition(int tokens, int keysKept)
    {
        const int batch = 2, heads = 2, width = 8;
        for (int seed = tokens * 1000 + keysKept; ; seed++)
        {
            float[] q = Numbers.Normals(batch * heads * tokens * width, seed), k = Numbers.Normals(q.Length, seed + 1), v = Numbers.Normals(q.Length, seed + 2);
            (double[] expected, double border) = Definition(q, k, v, batch * heads, tokens, width, keysKept);
            if (border < 1e-6) continue; // float32 cannot tell the last kept score from the next
            using var scope = NewDisposeScope();
            long[] shape = [batch, heads, tokens, width];
            Assert.InRange(Numbers.LargestDifference(expected, Networks.Read(TopK.Direct(tensor(q, shape), tensor(k, shape), tensor(v, shape), keysKept))), 0, 1e-5);
            Assert.InRange(Numbers.LargestDifference(expected, Networks.Read(TopK.Fast(tensor(q, shape), tensor(k, shape), tensor(v, shape), keysKept))), 0, 1e-5);
            Assert.InRange(Numbers.LargestDifference(expected, Networks.Read(TopK.Explicit(tensor(q, shape), tensor(k, shape), tensor(v, shape), keysKept))), 0, 1e-5);
            return;
        }
    }

    [Theory]
    [InlineData(1)] // a query at a time
    [InlineData(7 * 50 * 6)] // 7 queries at a time, and one left over
    [InlineData(50 * 50 * 6 - 1)]
    public void Fast_in_chunks_of_queries_equals_fast_in_one(long mostScores)
    {
        using var inference = inference_mode();
        using var scope = NewDisposeScope();
        // Small whole numbers: the scores are exact, whatever the size of the product, and many stand at the border.
        var random = new Random(5);
        Tensor Whole() => tensor(Enumerable.Range(0, 2 * 50 * 3 * 8).Select(_ => (float)random.Next(-1, 2)).ToArray(), [2, 50, 3, 8]).transpose(1, 2); // (B, H, N, d)
        Tensor q = Whole(), k = Whole(), v = tensor(Numbers.Normals(2 * 3 * 50 * 8, 1), [2, 3, 50, 8]);
        Assert.InRange(Numbers.LargestDifference(Networks.Read(TopK.Fast(q, k, v, 9)), Networks.Read(TopK.InChunks(q, k, v, 9, mostScores))), 0, 1e-6);
    }

    [Fact]
    public void Every_form_leaves_nothing_but_its_result_in_the_scope()
    {
        using var inference = inference_mode();
        using var scope = NewDisposeScope();
        Tensor q = rand(1, 2, 40, 8), k = rand(1, 2, 40, 8), v = rand(1, 2, 40, 8);
        foreach (TopKAttention form in new TopKAttention[] { TopK.Fast, TopK.Direct, TopK.Explicit, (a, b, c, keys) => TopK.InChunks(a, b, c, keys, mostScores: 500) })
        {
            long before = scope.DisposablesCount;
            form(q, k, v, 7);
            Assert.Equal(before + 1, scope.DisposablesCount);
        }
    }

    [Theory]
    [InlineData(64, 32)]
    [InlineData(50, 7)]
    [InlineData(100, 99)]
    public void Fast_keeps_the_keys_of_lower_index_on_ties(int tokens, int keysKept)
    {
        // Small whole numbers: the scores are exact, and most of them stand several times.
        const int width = 4;
        var random = new Random(tokens);
        float[] q = Whole(), k = Whole(), v = Numbers.Normals(tokens * width, tokens);
        (double[] expected, double border) = Definition(q, k, v, 1, tokens, width, keysKept);
        Assert.Equal(0, border);
        using var scope = NewDisposeScope();
        long[] shape = [1, 1, tokens, width];
        Assert.InRange(Numbers.LargestDifference(expected, Networks.Read(TopK.Fast(tensor(q, shape), tensor(k, shape), tensor(v, shape), keysKept))), 0, 1e-5);

        float[] Whole() => Enumerable.Range(0, tokens * width).Select(_ => (float)random.Next(-1, 2)).ToArray();
    }

    [Theory]
    [InlineData(16, 5)]
    [InlineData(64, 32)]
    [InlineData(64, 64)]
    [InlineData(70, 69)]
    public void Gradients_of_fast_equal_those_of_direct(int tokens, int keysKept)
    {
        using var scope = NewDisposeScope();
        Tensor[] fast = Gradients(TopK.Fast), direct = Gradients(TopK.Direct);
        for (int i = 0; i < 3; i++)
        {
            Assert.InRange(Numbers.LargestDifference(Networks.Read(direct[i]), Networks.Read(fast[i])), 0, 1e-4);
            Assert.True(fast[i].abs().max().item<float>() > 1e-2);
        }

        Tensor[] Gradients(TopKAttention form)
        {
            long[] shape = [2, 2, tokens, 8];
            Tensor[] inputs = Enumerable.Range(0, 3).Select(i => tensor(Numbers.Normals(2 * 2 * tokens * 8, 7 + i), shape, requires_grad: true)).ToArray();
            Tensor weights = tensor(Numbers.Normals(2 * 2 * tokens * 8, 77), shape);
            (form(inputs[0], inputs[1], inputs[2], keysKept) * weights).sum().backward();
            return inputs.Select(i => i.grad!).ToArray();
        }
    }

    [Fact]
    public void Fast_takes_strided_tensors_as_heads_are()
    {
        using var scope = NewDisposeScope();
        Tensor Strided(int seed) => tensor(Numbers.Normals(2 * 20 * 24, seed), [2, 20, 3, 8]).transpose(1, 2); // (B, H, N, d)
        Tensor q = Strided(1), k = Strided(2), v = Strided(3);
        Assert.InRange(Numbers.LargestDifference(Networks.Read(TopK.Direct(q, k, v, 6)), Networks.Read(TopK.Fast(q, k, v, 6))), 0, 1e-5);
    }

    private static (double[] Result, double Border) Definition(float[] q, float[] k, float[] v, int slices, int tokens, int width, int keysKept)
    {
        double smallest = double.PositiveInfinity;
        var result = new List<double>();
        for (int s = 0; s < slices; s++)
        {
            double[][] Rows(float[] all) => Enumerable.Range(0, tokens).Select(i => all.AsSpan((s * tokens + i) * width, width).ToArray().Select(x => (double)x).ToArray()).ToArray();
            result.AddRange(Oracle.TopKAttention(Rows(q), Rows(k), Rows(v), keysKept, out double border).SelectMany(r => r));
            smallest = Math.Min(smallest, border);
        }

        return (result.ToArray(), smallest);
    }
}
