using System.Runtime.Intrinsics;
using static TorchSharp.torch;

namespace DenoiseService.Model.Attention;

/// <summary>Attention weights of a mixture whose experts share their scores: Σₑ pₑ · softmax over the kₑ largest.</summary>
internal static unsafe class MixedTopK
{
    /// <summary>Carries gradients to scores and routing, where gradients are on; otherwise one pass over the scores, which it may overwrite.</summary>
    /// <param name="scores">float32 (B, H, N, N), scaled.</param>
    /// <param name="routing">float32 (B, N, E).</param>
    /// <param name="keysKept">kₑ ≥ 1; capped at N.</param>
    /// <returns>(B, H, N, N); every row sums to 1.</returns>
    public static Tensor Weights(Tensor scores, Tensor routing, int[] keysKept)
    {
        if (!is_grad_enabled() && scores.device_type == TorchSharp.DeviceType.CPU) return InOnePass(scores, routing, keysKept);
        Tensor? mixed = null;
        for (int e = 0; e < keysKept.Length; e++)
        {
            Tensor weights = SoftmaxOfLargest(scores, keysKept[e]) * routing[.., .., e..(e + 1)].unsqueeze(1); // (B, H, N, N)
            mixed = mixed is null ? weights : mixed.Plus(weights);
        }

        return mixed!;
    }

    private static Tensor SoftmaxOfLargest(Tensor scores, int keysKept)
    {
        if (keysKept >= scores.shape[^1]) return scores.softmax(-1);
        using Tensor mask = TopKSelection.Mask(scores, keysKept);
        return scores.Plus(mask).softmax(-1); // (B, H, N, N)
    }

    private static Tensor InOnePass(Tensor scores, Tensor routing, int[] keysKept)
    {
        Tensor weights = scores.contiguous();
        int heads = (int)scores.shape[1], experts = keysKept.Length;
        using Tensor probabilities = routing.contiguous();
        nint probability = TopKSelection.Address(probabilities);
        int length = (int)scores.shape[3], atOnce = SixteenRows.Covers(length) ? SixteenRows.Count : 1;
        TopKSelection.ForEachRow(weights, weights, MixRows, atOnce);
        return weights;

        void MixRows(float* input, float* output, int n, long row)
        {
            float* own = (float*)probability + (row / n / heads * n + row % n) * experts; // rows are (B, H, N), the routing is (B, N)
            if (atOnce > 1 && SixteenRows.Mix(input, output, n, own, keysKept)) return;
            for (int r = 0; r < atOnce; r++) MixRow(input + r * n, output + r * n, n, own + r * experts, keysKept);
        }
    }

    /// <summary>
    /// The exponentials are the same for all experts; expert e adds pₑ / (their sum over its keys) to the factor of every key that it keeps.
    /// </summary>
    /// <param name="scores">n.</param>
    /// <param name="output">n; may be the scores.</param>
    /// <param name="n">Keys.</param>
    /// <param name="probabilities">One an expert.</param>
    /// <param name="keysKept">One an expert.</param>
    private static void MixRow(float* scores, float* output, int n, float* probabilities, int[] keysKept)
    {
        float* exponentials = stackalloc float[n], factors = stackalloc float[n];
        float max = TopKSelection.Max(scores, n);
        int i = 0;
        for (; i <= n - Vector512<float>.Count; i += Vector512<float>.Count)
        {
            Exponential.OfNegative(Vector512.Load(scores + i) - Vector512.Create(max)).Store(exponentials + i);
            Vector512<float>.Zero.Store(factors + i);
        }

        for (; i < n; i++) (exponentials[i], factors[i]) = (MathF.Exp(scores[i] - max), 0);
        for (int e = 0; e < keysKept.Length; e++)
        {
            (float threshold, int ties) = keysKept[e] >= n ? (float.NegativeInfinity, -1) : TopKSelection.Threshold(scores, n, keysKept[e]);
            if (ties < 0) AddExpert(scores, exponentials, factors, n, threshold, probabilities[e]);
            else AddExpertWithTies(scores, exponentials, factors, n, threshold, ties, probabilities[e]);
        }

        for (i = 0; i <= n - Vector512<float>.Count; i += Vector512<float>.Count) (Vector512.Load(exponentials + i) * Vector512.Load(factors + i)).Store(output + i);
        for (; i < n; i++) output[i] = exponentials[i] * factors[i];
    }

    private static void AddExpert(float* scores, float* exponentials, float* factors, int n, float threshold, float probability)
    {
        Vector512<float> border = Vector512.Create(threshold), sums = Vector512<float>.Zero;
        int i = 0;
        for (; i <= n - Vector512<float>.Count; i += Vector512<float>.Count) sums += Vector512.Load(exponentials + i) & Vector512.GreaterThanOrEqual(Vector512.Load(scores + i), border);
        float sum = Vector512.Sum(sums);
        for (; i < n; i++) sum += scores[i] >= threshold ? exponentials[i] : 0;

        float factor = probability / sum;
        Vector512<float> factor16 = Vector512.Create(factor);
        for (i = 0; i <= n - Vector512<float>.Count; i += Vector512<float>.Count)
        {
            (Vector512.Load(factors + i) + (factor16 & Vector512.GreaterThanOrEqual(Vector512.Load(scores + i), border))).Store(factors + i);
        }

        for (; i < n; i++) factors[i] += scores[i] >= threshold ? factor : 0;
    }

    private static void AddExpertWithTies(float* scores, float* exponentials, float* factors, int n, float threshold, int ties, float probability)
    {
        float sum = 0;
        for (int i = 0, left = ties; i < n; i++) sum += Kept(scores[i], ref left) ? exponentials[i] : 0;
        for (int i = 0, left = ties; i < n; i++) factors[i] += Kept(scores[i], ref left) ? probability / sum : 0;

        bool Kept(float score, ref int left) => score > threshold || (score == threshold && left-- > 0);
    }
}
