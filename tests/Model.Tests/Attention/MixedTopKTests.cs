using DenoiseService.Model.Attention;
using FsCheck.Xunit;
using static TorchSharp.torch;

namespace DenoiseService.Model.Tests.Attention;

[Trait("Uses", "Vectors")]
public sealed class MixedTopKTests
{
    [Property(MaxTest = 150, Arbitrary = [typeof(Seeds)])]
    public void Both_paths_are_the_mixture_of_softmaxes_over_what_sorting_keeps(int seed)
    {
        var random = new Random(seed);
        int batch = random.Next(1, 3), heads = random.Next(1, 4), n = random.Next(1, 70), experts = random.Next(1, 4);
        bool ties = random.Next(2) == 0;
        int[] keysKept = Enumerable.Range(0, experts).Select(_ => random.Next(1, n + 5)).ToArray();
        float[] scores = Enumerable.Range(0, batch * heads * n * n).Select(_ => ties ? random.Next(-2, 3) : (float)Numbers.Normal(random)).ToArray();
        float[] routing = Enumerable.Range(0, batch * n).SelectMany(_ => Oracle.Softmax(Enumerable.Range(0, experts).Select(_ => Numbers.Normal(random)).ToArray())).Select(p => (float)p).ToArray();

        var expected = new double[scores.Length];
        for (int r = 0; r < batch * heads * n; r++)
        {
            int token = r / n / heads * n + r % n;
            int[] order = Enumerable.Range(0, n).OrderByDescending(i => scores[r * n + i]).ThenBy(i => i).ToArray();
            for (int e = 0; e < experts; e++)
            {
                int[] kept = order[..Math.Min(keysKept[e], n)];
                double[] softmax = Oracle.Softmax(kept.Select(i => (double)scores[r * n + i]).ToArray());
                for (int j = 0; j < kept.Length; j++) expected[r * n + kept[j]] += routing[token * experts + e] * softmax[j];
            }
        }

        using var scope = NewDisposeScope();
        Tensor Scores() => tensor(scores, [batch, heads, n, n]);
        Tensor probabilities = tensor(routing, [batch, n, experts]);
        Assert.InRange(Numbers.LargestDifference(expected, Networks.Read(MixedTopK.Weights(Scores(), probabilities, keysKept))), 0, 1e-6);
        using var noGrad = no_grad();
        Assert.InRange(Numbers.LargestDifference(expected, Networks.Read(MixedTopK.Weights(Scores(), probabilities, keysKept))), 0, 1e-6);
    }
}
