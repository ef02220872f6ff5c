using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace DenoiseService.Model.Winograd;

/// <summary>The products of matrices in <see cref="MinimalFiltering"/>, up to 64 channels wide. Their sums stay in registers: of 512 bits, or sixteen columns after the other in as many of 256 bits as there are, also where .NET avoids 512 bits because they lower the clock (Intel's Skylake to Cooper Lake).</summary>
internal static unsafe class Products
{
    /// <summary>Rows that <see cref="Multiply"/> takes.</summary>
    public const int Rows = 6;

    /// <summary>Rows of sums that <see cref="Add"/> takes.</summary>
    public const int Sums = 4;

    /// <summary>Calls of <see cref="Multiply"/> that together ask for the next filter.</summary>
    public const int Parts = 4;

    private const int Channels = MinimalFiltering.Channels, Group = MinimalFiltering.Lane;

    /// <summary>rows (6, C out of 64) ← rows (6, C in of 64) · filter (C in, C out). Asks for one of the next filter's <see cref="Parts"/> on the way.</summary>
    public static void Multiply(float* rows, float* filter, float* next, int channelsIn, int channelsOut)
    {
        if (Vector512.IsHardwareAccelerated && channelsOut == Channels) Multiply512(rows, filter, next, channelsIn);
        else Multiply256(rows, filter, next, channelsIn, channelsOut);
    }

    /// <summary>sums (4, C out) += termsᵀ (4, count) · gradients (count, C out).</summary>
    public static void Add(float* terms, float* gradients, int count, float* sums)
    {
        if (Vector512.IsHardwareAccelerated) Add512(terms, gradients, count, sums);
        else Add256(terms, gradients, count, sums);
    }

    /// <summary>All 24 sums of 64 channels at once.</summary>
    private static void Multiply512(float* rows, float* filter, float* next, int channelsIn)
    {
        Vector512<float> a0 = default, a1 = default, a2 = default, a3 = default, b0 = default, b1 = default, b2 = default, b3 = default, c0 = default, c1 = default, c2 = default, c3 = default,
            d0 = default, d1 = default, d2 = default, d3 = default, e0 = default, e1 = default, e2 = default, e3 = default, f0 = default, f1 = default, f2 = default, f3 = default;
        for (int k = 0; k < channelsIn; k++, filter += Channels)
        {
            Vector512<float> w0 = Vector512.LoadAligned(filter), w1 = Vector512.LoadAligned(filter + 16), w2 = Vector512.LoadAligned(filter + 32), w3 = Vector512.LoadAligned(filter + 48);
            Sse.Prefetch0(next + k * (Channels / Parts));
            float* row = rows + k;
            Vector512<float> v = Vector512.Create(row[0]);
            a0 = Vector512.FusedMultiplyAdd(v, w0, a0);
            a1 = Vector512.FusedMultiplyAdd(v, w1, a1);
            a2 = Vector512.FusedMultiplyAdd(v, w2, a2);
            a3 = Vector512.FusedMultiplyAdd(v, w3, a3);
            v = Vector512.Create(row[Channels]);
            b0 = Vector512.FusedMultiplyAdd(v, w0, b0);
            b1 = Vector512.FusedMultiplyAdd(v, w1, b1);
            b2 = Vector512.FusedMultiplyAdd(v, w2, b2);
            b3 = Vector512.FusedMultiplyAdd(v, w3, b3);
            v = Vector512.Create(row[2 * Channels]);
            c0 = Vector512.FusedMultiplyAdd(v, w0, c0);
            c1 = Vector512.FusedMultiplyAdd(v, w1, c1);
            c2 = Vector512.FusedMultiplyAdd(v, w2, c2);
            c3 = Vector512.FusedMultiplyAdd(v, w3, c3);
            v = Vector512.Create(row[3 * Channels]);
            d0 = Vector512.FusedMultiplyAdd(v, w0, d0);
            d1 = Vector512.FusedMultiplyAdd(v, w1, d1);
            d2 = Vector512.FusedMultiplyAdd(v, w2, d2);
            d3 = Vector512.FusedMultiplyAdd(v, w3, d3);
            v = Vector512.Create(row[4 * Channels]);
            e0 = Vector512.FusedMultiplyAdd(v, w0, e0);
            e1 = Vector512.FusedMultiplyAdd(v, w1, e1);
            e2 = Vector512.FusedMultiplyAdd(v, w2, e2);
            e3 = Vector512.FusedMultiplyAdd(v, w3, e3);
            v = Vector512.Create(row[5 * Channels]);
            f0 = Vector512.FusedMultiplyAdd(v, w0, f0);
            f1 = Vector512.FusedMultiplyAdd(v, w1, f1);
            f2 = Vector512.FusedMultiplyAdd(v, w2, f2);
            f3 = Vector512.FusedMultiplyAdd(v, w3, f3);
        }

        Store(rows, a0, a1, a2, a3);
        Store(rows + Channels, b0, b1, b2, b3);
        Store(rows + 2 * Channels, c0, c1, c2, c3);
        Store(rows + 3 * Channels, d0, d1, d2, d3);
        Store(rows + 4 * Channels, e0, e1, e2, e3);
        Store(rows + 5 * Channels, f0, f1, f2, f3);
    }

    /// <summary>Sixteen columns after the other, each with 12 sums; the rows are read until the last.</summary>
    [SkipLocalsInit]
    private static void Multiply256(float* rows, float* filter, float* next, int channelsIn, int channelsOut)
    {
        float* products = stackalloc float[Rows * Channels];
        for (float* to = products; to < products + channelsOut; to += Group, filter += Group - channelsIn * channelsOut)
        {
            Vector256<float> a0 = default, a1 = default, b0 = default, b1 = default, c0 = default, c1 = default, d0 = default, d1 = default, e0 = default, e1 = default, f0 = default, f1 = default;
            for (float* row = rows, end = rows + channelsIn; row < end; row++, filter += channelsOut, next += Group / Parts)
            {
                Vector256<float> w0 = Vector256.Load(filter), w1 = Vector256.Load(filter + 8);
                Sse.Prefetch0(next);
                Vector256<float> v = Vector256.Create(row[0]);
                a0 = Vector256.FusedMultiplyAdd(v, w0, a0);
                a1 = Vector256.FusedMultiplyAdd(v, w1, a1);
                v = Vector256.Create(row[Channels]);
                b0 = Vector256.FusedMultiplyAdd(v, w0, b0);
                b1 = Vector256.FusedMultiplyAdd(v, w1, b1);
                v = Vector256.Create(row[2 * Channels]);
                c0 = Vector256.FusedMultiplyAdd(v, w0, c0);
                c1 = Vector256.FusedMultiplyAdd(v, w1, c1);
                v = Vector256.Create(row[3 * Channels]);
                d0 = Vector256.FusedMultiplyAdd(v, w0, d0);
                d1 = Vector256.FusedMultiplyAdd(v, w1, d1);
                v = Vector256.Create(row[4 * Channels]);
                e0 = Vector256.FusedMultiplyAdd(v, w0, e0);
                e1 = Vector256.FusedMultiplyAdd(v, w1, e1);
                v = Vector256.Create(row[5 * Channels]);
                f0 = Vector256.FusedMultiplyAdd(v, w0, f0);
                f1 = Vector256.FusedMultiplyAdd(v, w1, f1);
            }

            a0.Store(to);
            a1.Store(to + 8);
            b0.Store(to + Channels);
            b1.Store(to + Channels + 8);
            c0.Store(to + 2 * Channels);
            c1.Store(to + 2 * Channels + 8);
            d0.Store(to + 3 * Channels);
            d1.Store(to + 3 * Channels + 8);
            e0.Store(to + 4 * Channels);
            e1.Store(to + 4 * Channels + 8);
            f0.Store(to + 5 * Channels);
            f1.Store(to + 5 * Channels + 8);
        }

        new ReadOnlySpan<float>(products, Rows * Channels).CopyTo(new Span<float>(rows, Rows * Channels));
    }

    /// <summary>All 16 sums at once.</summary>
    private static void Add512(float* terms, float* gradients, int count, float* sums)
    {
        Vector512<float> a0 = Vector512.Load(sums), a1 = Vector512.Load(sums + 16), a2 = Vector512.Load(sums + 32), a3 = Vector512.Load(sums + 48),
            b0 = Vector512.Load(sums + Channels), b1 = Vector512.Load(sums + Channels + 16), b2 = Vector512.Load(sums + Channels + 32), b3 = Vector512.Load(sums + Channels + 48),
            c0 = Vector512.Load(sums + 2 * Channels), c1 = Vector512.Load(sums + 2 * Channels + 16), c2 = Vector512.Load(sums + 2 * Channels + 32), c3 = Vector512.Load(sums + 2 * Channels + 48),
            d0 = Vector512.Load(sums + 3 * Channels), d1 = Vector512.Load(sums + 3 * Channels + 16), d2 = Vector512.Load(sums + 3 * Channels + 32), d3 = Vector512.Load(sums + 3 * Channels + 48);
        for (int s = 0; s < count; s++, terms += Channels, gradients += Channels)
        {
            Vector512<float> g0 = Vector512.Load(gradients), g1 = Vector512.Load(gradients + 16), g2 = Vector512.Load(gradients + 32), g3 = Vector512.Load(gradients + 48);
            Vector512<float> t = Vector512.Create(terms[0]);
            a0 = Vector512.FusedMultiplyAdd(t, g0, a0);
            a1 = Vector512.FusedMultiplyAdd(t, g1, a1);
            a2 = Vector512.FusedMultiplyAdd(t, g2, a2);
            a3 = Vector512.FusedMultiplyAdd(t, g3, a3);
            t = Vector512.Create(terms[1]);
            b0 = Vector512.FusedMultiplyAdd(t, g0, b0);
            b1 = Vector512.FusedMultiplyAdd(t, g1, b1);
            b2 = Vector512.FusedMultiplyAdd(t, g2, b2);
            b3 = Vector512.FusedMultiplyAdd(t, g3, b3);
            t = Vector512.Create(terms[2]);
            c0 = Vector512.FusedMultiplyAdd(t, g0, c0);
            c1 = Vector512.FusedMultiplyAdd(t, g1, c1);
            c2 = Vector512.FusedMultiplyAdd(t, g2, c2);
            c3 = Vector512.FusedMultiplyAdd(t, g3, c3);
            t = Vector512.Create(terms[3]);
            d0 = Vector512.FusedMultiplyAdd(t, g0, d0);
            d1 = Vector512.FusedMultiplyAdd(t, g1, d1);
            d2 = Vector512.FusedMultiplyAdd(t, g2, d2);
            d3 = Vector512.FusedMultiplyAdd(t, g3, d3);
        }

        Store(sums, a0, a1, a2, a3);
        Store(sums + Channels, b0, b1, b2, b3);
        Store(sums + 2 * Channels, c0, c1, c2, c3);
        Store(sums + 3 * Channels, d0, d1, d2, d3);
    }

    /// <summary>Sixteen columns after the other, each with 8 sums.</summary>
    private static void Add256(float* terms, float* gradients, int count, float* sums)
    {
        for (float* last = sums + Channels; sums < last; sums += Group, gradients += Group)
        {
            Vector256<float> a0 = Vector256.Load(sums), a1 = Vector256.Load(sums + 8),
                b0 = Vector256.Load(sums + Channels), b1 = Vector256.Load(sums + Channels + 8),
                c0 = Vector256.Load(sums + 2 * Channels), c1 = Vector256.Load(sums + 2 * Channels + 8),
                d0 = Vector256.Load(sums + 3 * Channels), d1 = Vector256.Load(sums + 3 * Channels + 8);
            float* end = gradients + count * Channels;
            for (float* gradient = gradients, term = terms; gradient < end; gradient += Channels, term += Channels)
            {
                Vector256<float> g0 = Vector256.Load(gradient), g1 = Vector256.Load(gradient + 8);
                Vector256<float> v = Vector256.Create(term[0]);
                a0 = Vector256.FusedMultiplyAdd(v, g0, a0);
                a1 = Vector256.FusedMultiplyAdd(v, g1, a1);
                v = Vector256.Create(term[1]);
                b0 = Vector256.FusedMultiplyAdd(v, g0, b0);
                b1 = Vector256.FusedMultiplyAdd(v, g1, b1);
                v = Vector256.Create(term[2]);
                c0 = Vector256.FusedMultiplyAdd(v, g0, c0);
                c1 = Vector256.FusedMultiplyAdd(v, g1, c1);
                v = Vector256.Create(term[3]);
                d0 = Vector256.FusedMultiplyAdd(v, g0, d0);
                d1 = Vector256.FusedMultiplyAdd(v, g1, d1);
            }

            a0.Store(sums);
            a1.Store(sums + 8);
            b0.Store(sums + Channels);
            b1.Store(sums + Channels + 8);
            c0.Store(sums + 2 * Channels);
            c1.Store(sums + 2 * Channels + 8);
            d0.Store(sums + 3 * Channels);
            d1.Store(sums + 3 * Channels + 8);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* row, Vector512<float> v0, Vector512<float> v1, Vector512<float> v2, Vector512<float> v3)
    {
        v0.Store(row);
        v1.Store(row + 16);
        v2.Store(row + 32);
        v3.Store(row + 48);
    }
}
