using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DenoiseService.Model.Winograd;

/// <summary>The constant matrices of <see cref="MinimalFiltering"/>, multiplied with one line of numbers: a row or a column of a square, sixteen channels at once. A square takes them in both directions.</summary>
internal static unsafe class LineTransforms
{
    /// <summary>G g: three numbers of a filter to six terms.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FilterToTerms(Vector512<float> a, Vector512<float> b, Vector512<float> c, out Vector512<float> t0, out Vector512<float> t1, out Vector512<float> t2, out Vector512<float> t3, out Vector512<float> t4, out Vector512<float> t5)
    {
        Vector512<float> near = (a + c) * (-1f / 6), nearOdd = b * (-1f / 6), far = a * (1f / 24) + c * (1f / 6), farOdd = b * (1f / 12);
        t0 = a * (1f / 4);
        t1 = near + nearOdd;
        t2 = near - nearOdd;
        t3 = far + farOdd;
        t4 = far - farOdd;
        t5 = c;
    }

    /// <summary>Gᵀ u: from the gradient of six terms to that of a filter.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float>, Vector512<float>, Vector512<float>) TermsToFilter(Vector512<float> u0, Vector512<float> u1, Vector512<float> u2, Vector512<float> u3, Vector512<float> u4, Vector512<float> u5)
    {
        Vector512<float> near = (u1 + u2) * (-1f / 6), far = u3 + u4;
        return (u0 * (1f / 4) + near + far * (1f / 24), (u2 - u1) * (1f / 6) + (u3 - u4) * (1f / 12), near + far * (1f / 6) + u5);
    }

    /// <summary>Bᵀ d: six pixels to six terms. In this order few values are held at a time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void PixelsToTerms<T>(T* from, long fromStep, float* to, long toStep) where T : unmanaged, IFeature<T>
    {
        Vector512<float> four = Vector512.Create(4f), minusFour = Vector512.Create(-4f), minusFive = Vector512.Create(-5f);
        Vector512<float> d2 = T.Load(from + 2 * fromStep), d4 = T.Load(from + 4 * fromStep);
        Vector512.FusedMultiplyAdd(four, T.Load(from), Vector512.FusedMultiplyAdd(minusFive, d2, d4)).Store(to);
        Vector512<float> even = Vector512.FusedMultiplyAdd(minusFour, d2, d4), evenNear = d4 - d2;
        Vector512<float> d1 = T.Load(from + fromStep), d3 = T.Load(from + 3 * fromStep);
        Vector512.FusedMultiplyAdd(four, d1, Vector512.FusedMultiplyAdd(minusFive, d3, T.Load(from + 5 * fromStep))).Store(to + 5 * toStep);
        Vector512<float> odd = Vector512.FusedMultiplyAdd(minusFour, d1, d3), oddNear = (d3 - d1) * 2f;
        (even + odd).Store(to + toStep);
        (even - odd).Store(to + 2 * toStep);
        (evenNear + oddNear).Store(to + 3 * toStep);
        (evenNear - oddNear).Store(to + 4 * toStep);
    }

    /// <summary>Aᵀ m: six terms to four results.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float>, Vector512<float>, Vector512<float>, Vector512<float>) TermsToResult(Vector512<float> m0, Vector512<float> m1, Vector512<float> m2, Vector512<float> m3, Vector512<float> m4, Vector512<float> m5)
    {
        Vector512<float> near = m1 + m2, nearOdd = m1 - m2, far = m3 + m4, farOdd = m3 - m4;
        return (m0 + near + far, Vector512.FusedMultiplyAdd(Vector512.Create(2f), farOdd, nearOdd), Vector512.FusedMultiplyAdd(Vector512.Create(4f), far, near), Vector512.FusedMultiplyAdd(Vector512.Create(8f), farOdd, nearOdd) + m5);
    }

    /// <summary>A y: from the gradient of four results to that of six terms.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float>, Vector512<float>, Vector512<float>, Vector512<float>, Vector512<float>, Vector512<float>) ResultToTerms(Vector512<float> y0, Vector512<float> y1, Vector512<float> y2, Vector512<float> y3)
    {
        Vector512<float> near = y0 + y2, nearOdd = y1 + y3;
        Vector512<float> far = Vector512.FusedMultiplyAdd(Vector512.Create(4f), y2, y0), farOdd = Vector512.FusedMultiplyAdd(Vector512.Create(8f), y3, y1 + y1);
        return (y0, near + nearOdd, near - nearOdd, far + farOdd, far - farOdd, y3);
    }
}
