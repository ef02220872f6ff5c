using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace DenoiseService.Model.Attention;

/// <summary>
/// Works on sixteen short rows of attention scores at once: the rows are turned so that each is one lane of the 512-bit vectors (or pairs of 256-bit ones), and sorted by
/// Batcher's odd-even merging network (1968), which needs no branch. For a window of 64 keys this takes a fraction of the bisection of <see cref="TopKSelection"/>.
/// </summary>
internal static unsafe class SixteenRows
{
    /// <summary>Rows at once.</summary>
    public const int Count = 16;

    private const int MostKeys = 64;

    private static readonly (nint Upper, nint Lower)[][] Networks = // in bytes
        [.. Enumerable.Range(0, 7).Select(log => Batcher(1 << log).Select(c => ((nint)c.Upper * sizeof(Vector512<float>), (nint)c.Lower * sizeof(Vector512<float>))).ToArray())];

    /// <summary>True where this processor and rows of this length are served.</summary>
    public static bool Covers(int n) => Avx2.IsSupported && n is >= 16 and <= MostKeys && BitOperations.IsPow2(n);

    /// <summary>
    /// For each of 16 rows of scores Σₑ pₑ · softmax over the kₑ largest. False, and nothing done, where a row has ties at a threshold, so
    /// that more entries than kₑ are as large.
    /// </summary>
    /// <param name="scores">(16, n), contiguous.</param>
    /// <param name="weights">Out: (16, n); may be the scores.</param>
    /// <param name="n">A length that is covered.</param>
    /// <param name="probabilities">pₑ of every row, (16, E).</param>
    /// <param name="keysKept">kₑ, each ≥ 1.</param>
    [SkipLocalsInit]
    public static bool Mix(float* scores, float* weights, int n, float* probabilities, ReadOnlySpan<int> keysKept)
    {
        Vector512<float>* lanes = stackalloc Vector512<float>[MostKeys], sorted = stackalloc Vector512<float>[MostKeys];
        for (int column = 0; column < n; column += Count) Transpose(scores + column, n, lanes + column);
        Sort(lanes, sorted, n);
        int experts = keysKept.Length;
        Vector512<float>* thresholds = stackalloc Vector512<float>[experts], factors = stackalloc Vector512<float>[experts];
        for (int e = 0; e < experts; e++)
        {
            int k = keysKept[e];
            if (k < n && Vector512.EqualsAny(sorted[k - 1], sorted[k])) return false;
            thresholds[e] = k < n ? sorted[k - 1] : Vector512.Create(float.NegativeInfinity);
        }

        // The exponentials, over the sorted scores' place, are the same for all experts.
        Vector512<float> max = sorted[0];
        for (int c = 0; c < n; c++) sorted[c] = Exponential.OfNegative(lanes[c] - max);
        for (int e = 0; e < experts; e++)
        {
            Vector512<float> sum = Vector512<float>.Zero, threshold = thresholds[e];
            for (int c = 0; c < n; c++) sum += sorted[c] & Vector512.GreaterThanOrEqual(lanes[c], threshold);
            float* own = (float*)(factors + e);
            for (int r = 0; r < Count; r++) own[r] = probabilities[r * experts + e];
            factors[e] /= sum;
        }

        for (int c = 0; c < n; c++)
        {
            Vector512<float> factor = Vector512<float>.Zero;
            for (int e = 0; e < experts; e++) factor += factors[e] & Vector512.GreaterThanOrEqual(lanes[c], thresholds[e]);
            sorted[c] *= factor;
        }

        for (int column = 0; column < n; column += Count)
        {
            Transpose((float*)(sorted + column), Count, lanes);
            for (int r = 0; r < Count; r++) lanes[r].Store(weights + r * n + column);
        }

        return true;
    }

    /// <summary>For each of 16 rows the k-th largest entry, so that exactly k entries are at least as large; NaN where the next one is equal.</summary>
    /// <param name="rows">(16, n), contiguous.</param>
    /// <param name="n">A length that is covered.</param>
    /// <param name="keysKept">k, 1 to n − 1.</param>
    /// <param name="thresholds">Out: (16).</param>
    [SkipLocalsInit]
    public static void Thresholds(float* rows, int n, int keysKept, float* thresholds)
    {
        Vector512<float>* lanes = stackalloc Vector512<float>[MostKeys], sorted = stackalloc Vector512<float>[MostKeys];
        for (int column = 0; column < n; column += Count) Transpose(rows + column, n, lanes + column);
        Sort(lanes, sorted, n);
        Vector512.ConditionalSelect(Vector512.Equals(sorted[keysKept - 1], sorted[keysKept]), Vector512.Create(float.NaN), sorted[keysKept - 1]).Store(thresholds);
    }

    /// <summary>Writes the n vectors lane by lane in order, the largest first; the lanes themselves stay as they are.</summary>
    private static void Sort(Vector512<float>* lanes, Vector512<float>* sorted, int n)
    {
        new ReadOnlySpan<Vector512<float>>(lanes, n).CopyTo(new Span<Vector512<float>>(sorted, n));
        foreach ((nint upper, nint lower) in Networks[BitOperations.Log2((uint)n)])
        {
            Vector512<float>* high = (Vector512<float>*)((byte*)sorted + upper), low = (Vector512<float>*)((byte*)sorted + lower);
            Vector512<float> a = *high, b = *low;
            *high = Vector512.MaxNative(a, b);
            *low = Vector512.MinNative(a, b);
        }
    }

    /// <summary>The comparators that sort n = 2^m values, the largest first.</summary>
    internal static (int Upper, int Lower)[] Batcher(int n)
    {
        var network = new List<(int, int)>();
        for (int block = 1; block < n; block *= 2)
        {
            for (int distance = block; distance >= 1; distance /= 2)
            {
                for (int first = distance % block; first + distance < n; first += 2 * distance)
                {
                    for (int i = first; i < Math.Min(first + distance, n - distance); i++)
                    {
                        if (i / (2 * block) == (i + distance) / (2 * block)) network.Add((i, i + distance));
                    }
                }
            }
        }

        return [.. network];
    }

    /// <summary>Lane r of vector c becomes entry c of row r: of 16 rows that lie <paramref name="stride"/> floats apart, their next 16 entries.</summary>
    private static void Transpose(float* rows, int stride, Vector512<float>* columns)
    {
        if (Avx512F.IsSupported)
        {
            TransposeSixteen(rows, stride, columns);
            return;
        }

        for (int row = 0; row < Count; row += 8)
        {
            for (int column = 0; column < Count; column += 8) TransposeEight(rows + row * stride + column, stride, (float*)(columns + column) + row);
        }
    }

    /// <summary>As <see cref="Transpose"/>, of 8 rows and their next 8 entries; a column's entries go to every sixteenth float.</summary>
    [SkipLocalsInit]
    private static void TransposeEight(float* rows, int stride, float* columns)
    {
        Vector256<float>* quads = stackalloc Vector256<float>[8];
        for (int r = 0; r < 8; r += 4)
        {
            Vector256<float> a = Vector256.Load(rows + r * stride), b = Vector256.Load(rows + (r + 1) * stride), c = Vector256.Load(rows + (r + 2) * stride), d = Vector256.Load(rows + (r + 3) * stride);
            Vector256<double> lowUpper = Avx.UnpackLow(a, b).AsDouble(), highUpper = Avx.UnpackHigh(a, b).AsDouble(), lowLower = Avx.UnpackLow(c, d).AsDouble(), highLower = Avx.UnpackHigh(c, d).AsDouble();
            quads[r] = Avx.UnpackLow(lowUpper, lowLower).AsSingle();
            quads[r + 1] = Avx.UnpackHigh(lowUpper, lowLower).AsSingle();
            quads[r + 2] = Avx.UnpackLow(highUpper, highLower).AsSingle();
            quads[r + 3] = Avx.UnpackHigh(highUpper, highLower).AsSingle();
        }

        for (int c = 0; c < 4; c++)
        {
            Avx.Permute2x128(quads[c], quads[4 + c], 0x20).Store(columns + c * Count);
            Avx.Permute2x128(quads[c], quads[4 + c], 0x31).Store(columns + (4 + c) * Count);
        }
    }

    /// <summary>As <see cref="Transpose"/>, with vectors of 512 bits.</summary>
    [SkipLocalsInit]
    private static void TransposeSixteen(float* rows, int stride, Vector512<float>* columns)
    {
        Vector512<float>* pairs = stackalloc Vector512<float>[Count], quads = stackalloc Vector512<float>[Count];
        for (int r = 0; r < Count; r += 2)
        {
            Vector512<float> a = Vector512.Load(rows + r * stride), b = Vector512.Load(rows + (r + 1) * stride);
            pairs[r] = Avx512F.UnpackLow(a, b);
            pairs[r + 1] = Avx512F.UnpackHigh(a, b);
        }

        for (int r = 0; r < Count; r += 4)
        {
            Vector512<double> a = pairs[r].AsDouble(), b = pairs[r + 1].AsDouble(), c = pairs[r + 2].AsDouble(), d = pairs[r + 3].AsDouble();
            quads[r] = Avx512F.UnpackLow(a, c).AsSingle();
            quads[r + 1] = Avx512F.UnpackHigh(a, c).AsSingle();
            quads[r + 2] = Avx512F.UnpackLow(b, d).AsSingle();
            quads[r + 3] = Avx512F.UnpackHigh(b, d).AsSingle();
        }

        const byte even = 0b10_00_10_00, odd = 0b11_01_11_01;
        for (int c = 0; c < 4; c++)
        {
            Vector512<float> evenUpper = Avx512F.Shuffle4x128(quads[c], quads[4 + c], even), oddUpper = Avx512F.Shuffle4x128(quads[c], quads[4 + c], odd);
            Vector512<float> evenLower = Avx512F.Shuffle4x128(quads[8 + c], quads[12 + c], even), oddLower = Avx512F.Shuffle4x128(quads[8 + c], quads[12 + c], odd);
            columns[c] = Avx512F.Shuffle4x128(evenUpper, evenLower, even);
            columns[4 + c] = Avx512F.Shuffle4x128(oddUpper, oddLower, even);
            columns[8 + c] = Avx512F.Shuffle4x128(evenUpper, evenLower, odd);
            columns[12 + c] = Avx512F.Shuffle4x128(oddUpper, oddLower, odd);
        }
    }
}
