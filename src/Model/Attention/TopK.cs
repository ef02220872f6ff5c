using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace DenoiseService.Model.Attention;

/// <summary>
/// Attention in which every query keeps its <paramref name="keysKept"/> largest scores q·kᵀ/√d and takes the softmax-weighted sum of their values.
/// All tensors are float32 (B, H, N, d); so is the result. keysKept is capped at N. Of equal scores at the border the keys of lower index are kept.
/// </summary>
public delegate Tensor TopKAttention(Tensor q, Tensor k, Tensor v, int keysKept);

/// <summary>The forms of top-k attention.</summary>
public static class TopK
{
    /// <summary>
    /// The definition, as the reference computes it: all scores, top-k, gather the values of every query, sum. Needs (B, H, N, K, d) floats.
    /// (On equal scores at the border libtorch leaves open which keys it keeps; <see cref="Fast"/> keeps those of lower index.)
    /// </summary>
    public static Tensor Direct(Tensor q, Tensor k, Tensor v, int keysKept)
    {
        using var scope = NewDisposeScope(); // as in the reference, nothing outlives its last use
        long tokens = k.shape[2], width = k.shape[3];
        Tensor products = matmul(q, k.transpose(-2, -1)); // (B, H, N, N)
        Tensor scores = products.Times(1 / Math.Sqrt(width)); // (B, H, N, N)
        products.Dispose();
        (Tensor largest, Tensor keys) = scores.topk((int)Math.Min(keysKept, tokens)); // (B, H, N, K)
        Tensor weights = largest.softmax(-1); // (B, H, N, K)
        Tensor values = v.unsqueeze(2).expand(-1, -1, tokens, -1, -1) // (B, H, N, N, d)
            .gather(3, keys.unsqueeze(-1).expand(-1, -1, -1, -1, width)); // (B, H, N, K, d)
        return (weights.unsqueeze(-1) * values).sum(3).MoveToOuterDisposeScope(); // (B, H, N, d)
    }

    /// <summary>All scores as one tensor, softmax, product with the values: attention without a fused kernel. Carries gradients.</summary>
    public static Tensor Explicit(Tensor q, Tensor k, Tensor v, int keysKept)
    {
        using var scope = NewDisposeScope();
        Tensor scores = matmul(q.Times(1 / Math.Sqrt(k.shape[3])), k.transpose(-2, -1)); // (B, H, N, N)
        if (keysKept < k.shape[2]) scores = scores.Plus(TopKSelection.Mask(scores, keysKept)); // (B, H, N, N)
        return matmul(scores.softmax(-1), v).MoveToOuterDisposeScope(); // (B, H, N, d)
    }

    /// <summary>
    /// The same result without sorting or gathering: <see cref="TopKSelection"/> turns the scores into a mask, and the library's fused attention
    /// does the rest. Carries gradients. With K ≥ N nothing is masked. Without gradients the queries are taken in chunks where there are many, so that
    /// memory grows with N and not with N².
    /// </summary>
    public static Tensor Fast(Tensor q, Tensor k, Tensor v, int keysKept) => InChunks(q, k, v, keysKept, mostScores: 1 << 22); // 16 MiB of scores, as much of mask: larger blocks were not faster

    /// <summary><see cref="Fast"/> with at most about so many scores at a time.</summary>
    internal static Tensor InChunks(Tensor q, Tensor k, Tensor v, int keysKept, long mostScores)
    {
        long tokens = k.shape[2], rows = Math.Max(1, mostScores / (q.shape[0] * q.shape[1] * tokens));
        if (keysKept >= tokens) return functional.scaled_dot_product_attention(q, k, v); // (B, H, N, d)
        if (is_grad_enabled() || rows >= tokens) return Masked(q, k, v, keysKept);
        Tensor result = empty_like(q); // (B, H, N, d)
        for (long first = 0; first < tokens; first += rows)
        {
            long count = Math.Min(rows, tokens - first);
            using Tensor queries = q.narrow(2, first, count), target = result.narrow(2, first, count), attended = Masked(queries, k, v, keysKept); // (B, H, rows, d)
            target.copy_(attended).Dispose();
        }

        return result;
    }

    private static Tensor Masked(Tensor q, Tensor k, Tensor v, int keysKept)
    {
        using Tensor mask = MaskOfLargest(q, k, keysKept); // (B, H, rows, N)
        return functional.scaled_dot_product_attention(q, k, v, mask); // (B, H, rows, d)
    }

    private static Tensor MaskOfLargest(Tensor q, Tensor k, int keysKept)
    {
        using var noGrad = no_grad();
        using Tensor transposed = k.transpose(-2, -1);
        using Tensor scores = matmul(q, transposed); // (B, H, rows, N), without the 1/√d, which changes no order
        return TopKSelection.Mask(scores, keysKept);
    }
}
