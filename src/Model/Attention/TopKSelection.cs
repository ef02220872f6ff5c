using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using static TorchSharp.torch;

namespace DenoiseService.Model.Attention;

/// <summary>
/// Finds the k largest entries of every row of a score tensor by bisection on the value: a threshold between the k-th and the next is found by
/// counting, which vector units do well, so nothing is sorted. Of equal values at the border those of lower index are kept, so exactly k are.
/// Uses vectors of 512 bits, pairs of 256 bits or mostly scalar code, whichever the processor has. NaN counts as smaller than everything.
/// </summary>
internal static unsafe class TopKSelection
{
    // A mean row needs about ten steps; after this many the interval is halved in the space of float keys, which ends in at most 32 more.
    private const int ValueSteps = 20;

    // x86 with AVX2: there the runtime makes two vectors of 256 bits of one of 512, and MinNative passes NaN over, which MinMax needs.
    private static bool HasVectors => Vector256.IsHardwareAccelerated;

    /// <summary>Additive mask: 0 where the entry is one of its row's k largest, −∞ elsewhere. No gradient.</summary>
    /// <param name="scores">float32 on the CPU, (…, N).</param>
    /// <param name="keysKept">1 ≤ k &lt; N.</param>
    public static Tensor Mask(Tensor scores, int keysKept)
    {
        if (!scores.device_type.Equals(TorchSharp.DeviceType.CPU)) return MaskByLibrary(scores, keysKept);
        using Tensor detached = scores.detach(), source = detached.contiguous();
        Tensor mask = empty_like(source);
        int length = (int)source.shape[^1];
        if (SixteenRows.Covers(length) && source.numel() / length % SixteenRows.Count == 0) ForEachRow(source, mask, (input, output, n, _) => MaskSixteenRows(input, output, n, keysKept), SixteenRows.Count);
        else ForEachRow(source, mask, (input, output, n, _) => MaskRow(input, output, n, keysKept));
        return mask;
    }

    /// <summary>In place: every row becomes the softmax over its k largest entries, 0 elsewhere; k ≥ N is the plain softmax. No gradient.</summary>
    /// <param name="scores">float32 on the CPU, contiguous, (…, N).</param>
    /// <param name="keysKept">k ≥ 1.</param>
    public static void SoftmaxOfLargest(Tensor scores, int keysKept) =>
        ForEachRow(scores, scores, (input, output, n, _) => SoftmaxRow(input, output, n, keysKept));

    private static Tensor MaskByLibrary(Tensor scores, int keysKept)
    {
        using Tensor source = scores.detach();
        (Tensor values, Tensor indices) = source.topk(keysKept);
        using (values)
        using (indices)
        using (Tensor mask = full_like(source, float.NegativeInfinity))
        {
            return mask.scatter(-1, indices, zeros_like(values));
        }
    }

    /// <summary>Reads a row of n floats, or some at once from that one on, and writes as much; the two may be the same.</summary>
    internal delegate void RowAction(float* input, float* output, int n, long row);

    /// <summary>Goes over the rows of two contiguous float32 tensors of one shape, on as many threads as libtorch has here.</summary>
    /// <param name="input">(…, N).</param>
    /// <param name="output">Same shape.</param>
    /// <param name="row">What is done.</param>
    /// <param name="atOnce">Rows that one call takes; divides their number.</param>
    internal static void ForEachRow(Tensor input, Tensor output, RowAction row, int atOnce = 1)
    {
        Debug.Assert(input.is_contiguous() && output.is_contiguous() && input.dtype == ScalarType.Float32);
        int n = (int)input.shape[^1];
        long rows = input.numel() / n, calls = rows / atOnce;
        nint from = Address(input), to = Address(output);
        int workers = (int)Math.Min(get_num_threads(), Math.Max(1, rows * n / 32768));
        if (workers == 1)
        {
            Range(0, calls);
            return;
        }

        Parallel.For(0, workers, w => Range(calls * w / workers, calls * (w + 1) / workers));

        void Range(long first, long end)
        {
            for (long r = first * atOnce; r < end * atOnce; r += atOnce) row((float*)from + r * n, (float*)to + r * n, n, r);
        }
    }

    internal static nint Address(Tensor tensor)
    {
        fixed (byte* bytes = &MemoryMarshal.GetReference(tensor.bytes)) return (nint)bytes;
    }

    internal static void MaskRow(float* input, float* output, int n, int keysKept)
    {
        (float threshold, int ties) = Threshold(input, n, keysKept);
        if (ties < 0)
        {
            MaskBelow(input, output, n, threshold);
            return;
        }

        for (int i = 0; i < n; i++)
        {
            bool kept = input[i] > threshold || (input[i] == threshold && ties-- > 0);
            output[i] = kept ? 0f : float.NegativeInfinity;
        }
    }

    private static void MaskSixteenRows(float* input, float* output, int n, int keysKept)
    {
        float* thresholds = stackalloc float[SixteenRows.Count];
        SixteenRows.Thresholds(input, n, keysKept, thresholds);
        for (int r = 0; r < SixteenRows.Count; r++, input += n, output += n)
        {
            if (float.IsNaN(thresholds[r])) MaskRow(input, output, n, keysKept);
            else MaskBelow(input, output, n, thresholds[r]);
        }
    }

    private static void MaskBelow(float* input, float* output, int n, float threshold)
    {
        int i = 0;
        for (; i <= n - Vector512<float>.Count; i += Vector512<float>.Count)
        {
            Vector512.ConditionalSelect(Vector512.GreaterThanOrEqual(Vector512.Load(input + i), Vector512.Create(threshold)), Vector512<float>.Zero, Vector512.Create(float.NegativeInfinity)).Store(output + i);
        }

        for (; i < n; i++) output[i] = input[i] >= threshold ? 0f : float.NegativeInfinity;
    }

    internal static void SoftmaxRow(float* input, float* output, int n, int keysKept)
    {
        float threshold = float.NegativeInfinity;
        int ties = -1;
        if (keysKept < n) (threshold, ties) = Threshold(input, n, keysKept);
        if (ties >= 0) DropSurplusTies(input, output, n, threshold, ties);
        float* source = ties >= 0 ? output : input;
        float max = Max(source, n);
        float sum = Exponentials(source, output, n, threshold, max);
        Scale(output, n, 1 / sum);
    }

    /// <summary>
    /// Returns a value t such that exactly k entries are ≥ t and ties = −1; or, when equal values stand at the border, the k-th largest
    /// value itself and how many entries equal to it are kept.
    /// </summary>
    internal static (float Threshold, int Ties) Threshold(float* row, int n, int k)
    {
        (float low, float high) = MinMax(row, n);
        // Invariant: count(≥ low) > k or low is the minimum; count(≥ high) < k or high is the maximum.
        for (int step = 0; ; step++)
        {
            float middle = step < ValueSteps ? low + (high - low) * 0.5f : FromKey(Key(low) + (int)(((long)Key(high) - Key(low)) >> 1));
            if (!(middle > low && middle <= high)) middle = high;
            int count = CountAtLeast(row, n, middle);
            if (count == k) return (middle, -1);
            if (count > k)
            {
                low = middle;
                if (middle == high) return (high, k); // more than k entries equal the maximum
            }
            else if (middle == high && Key(high) - (long)Key(low) <= 1)
            {
                return (low, low == high ? -1 : k - count); // nothing lies between: the border value is low; or NaN left fewer than k, all equal
            }
            else
            {
                high = middle;
                if (Key(high) - (long)Key(low) <= 1) return (low, k - CountAtLeast(row, n, high));
            }
        }
    }

    /// <summary>Numbers the floats in their order, −0 and 0 alike, without a gap.</summary>
    private static int Key(float value)
    {
        int bits = BitConverter.SingleToInt32Bits(value);
        return bits >= 0 ? bits : int.MinValue - bits;
    }

    private static float FromKey(int key) => BitConverter.Int32BitsToSingle(key >= 0 ? key : int.MinValue - key);

    private static void DropSurplusTies(float* input, float* output, int n, float threshold, int ties)
    {
        for (int i = 0; i < n; i++)
        {
            bool surplus = input[i] == threshold && ties-- <= 0;
            output[i] = surplus ? float.NegativeInfinity : input[i];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int CountAtLeast(float* row, int n, float value)
    {
        int count = 0, i = 0;
        if (HasVectors)
        {
            Vector512<float> border = Vector512.Create(value);
            for (; i <= n - 16; i += 16) count += BitOperations.PopCount(Vector512.GreaterThanOrEqual(Vector512.Load(row + i), border).ExtractMostSignificantBits());
        }

        for (; i < n; i++) count += row[i] >= value ? 1 : 0;
        return count;
    }

    private static (float Min, float Max) MinMax(float* row, int n)
    {
        float min = float.PositiveInfinity, max = float.NegativeInfinity;
        int i = 0;
        if (HasVectors && n >= 16)
        {
            // In this order of arguments the processor's instruction gives the second where one is NaN, so NaN is passed over.
            Vector512<float> low = Vector512.Create(float.PositiveInfinity), high = Vector512.Create(float.NegativeInfinity);
            for (; i <= n - 16; i += 16)
            {
                Vector512<float> x = Vector512.Load(row + i);
                low = Vector512.MinNative(x, low);
                high = Vector512.MaxNative(x, high);
            }

            Vector256<float> low8 = Vector256.MinNative(low.GetLower(), low.GetUpper()), high8 = Vector256.MaxNative(high.GetLower(), high.GetUpper());
            for (int lane = 0; lane < 8; lane++)
            {
                min = Math.Min(min, low8[lane]);
                max = Math.Max(max, high8[lane]);
            }
        }

        for (; i < n; i++)
        {
            if (row[i] < min) min = row[i];
            if (row[i] > max) max = row[i];
        }

        return (min, max);
    }

    internal static float Max(float* row, int n) => MinMax(row, n).Max;

    private static float Exponentials(float* input, float* output, int n, float threshold, float max)
    {
        float sum = 0;
        int i = 0;
        if (HasVectors)
        {
            Vector512<float> border = Vector512.Create(threshold), shift = Vector512.Create(max), total = Vector512<float>.Zero;
            for (; i <= n - 16; i += 16)
            {
                Vector512<float> x = Vector512.Load(input + i);
                Vector512<float> e = Exponential.OfNegative(x - shift) & Vector512.GreaterThanOrEqual(x, border);
                e.Store(output + i);
                total += e;
            }

            sum = Vector512.Sum(total);
        }

        for (; i < n; i++)
        {
            float e = input[i] >= threshold ? MathF.Exp(input[i] - max) : 0;
            output[i] = e;
            sum += e;
        }

        return sum;
    }

    private static void Scale(float* row, int n, float factor)
    {
        for (int i = 0; i < n; i++) row[i] *= factor;
    }
}
