using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DenoiseService.Model.Attention;

/// <summary>eˣ of sixteen numbers at once, x ≤ 0, to 10⁻⁶ of the value where that is above 10⁻⁶; a softmax needs no more. The library's own goes through doubles and takes several times as long.</summary>
internal static class Exponential
{
    private const float Log2E = 1.44269504f, LeastExponent = -126;

    // 2ʳ = Σ (r·ln 2)ⁿ / n!, for |r| ≤ 1/2.
    private const float C1 = 0.693147181f, C2 = 0.240226507f, C3 = 0.0555041087f, C4 = 0.00961812911f, C5 = 0.00133335581f, C6 = 0.000154035304f;

    /// <summary>Below e⁻⁸⁷, where floats end, the result is 0. NaN stays NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> OfNegative(Vector512<float> x)
    {
        Vector512<float> z = x * Log2E;
        Vector512<float> whole = Vector512.Round(z), r = z - whole;
        Vector512<float> p = Vector512.FusedMultiplyAdd(Vector512.Create(C6), r, Vector512.Create(C5));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(C4));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(C3));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(C2));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(C1));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512<float>.One);
        Vector512<int> exponent = (Vector512.ConvertToInt32Native(whole) + Vector512.Create(127)) << 23;
        return Vector512.ConditionalSelect(Vector512.LessThan(z, Vector512.Create(LeastExponent)), Vector512<float>.Zero, p * exponent.AsSingle());
    }
}
