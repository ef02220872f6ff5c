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
        long tokens = k.shape[2], width = k.shape[3];
        Tensor scores = matmul(q, k.transpose(-2, -1)) / Math.Sqrt(width); // (B, H, N, N)
        (Tensor largest, Tensor keys) = scores.topk((int)Math.Min(keysKept, tokens)); // (B, H, N, K)
        Tensor weights = largest.softmax(-1); // (B, H, N, K)
        Tensor values = v.unsqueeze(2).expand(-1, -1, tokens, -1, -1) // (B, H, N, N, d)
            .gather(3, keys.unsqueeze(-1).expand(-1, -1, -1, -1, width)); // (B, H, N, K, d)
        return (weights.unsqueeze(-1) * values).sum(3); // (B, H, N, d)
    }

    /// <summary>
    /// The same result without sorting or gathering: <see cref="TopKSelection"/> turns the scores into a mask, and the library's fused attention
    /// does the rest. Carries gradients. With K ≥ N nothing is masked.
    /// </summary>
    public static Tensor Fast(Tensor q, Tensor k, Tensor v, int keysKept)
    {
        if (keysKept >= k.shape[2]) return functional.scaled_dot_product_attention(q, k, v); // (B, H, N, d)
        using Tensor mask = MaskOfLargest(q, k, keysKept); // (B, H, N, N)
        return functional.scaled_dot_product_attention(q, k, v, mask); // (B, H, N, d)
    }

    private static Tensor MaskOfLargest(Tensor q, Tensor k, int keysKept)
    {
        using var noGrad = no_grad();
        using Tensor transposed = k.transpose(-2, -1);
        using Tensor scores = matmul(q, transposed); // (B, H, N, N), without the 1/√d, which changes no order
        return TopKSelection.Mask(scores, keysKept);
    }
}
