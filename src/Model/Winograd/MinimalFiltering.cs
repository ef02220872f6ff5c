using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using static DenoiseService.Model.Winograd.LineTransforms;

namespace DenoiseService.Model.Winograd;

/// <summary>
/// 3×3 convolutions of up to 64 channels, and their gradients, after Winograd's minimal filtering F(4×4, 3×3) (Lavin and Gray 2016): squares of 6×6 pixels are
/// transformed, so that 36 products of matrices take a quarter of the multiplications. float32, equal to the library's within rounding.
/// Images are channels-last, with zeros beyond the border. Gradients are those of 64 channels, of images whose sides are multiples of 4.
/// </summary>
/// <remarks>With d a square of pixels, g a filter and the constant matrices A, B, G: y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A. The 36 entries of what stands in brackets are the terms.</remarks>
internal static unsafe class MinimalFiltering
{
    /// <summary>The most channels in and out, and those of a pair.</summary>
    public const int Channels = 64;

    /// <summary>Floats of a vector, and channels that are computed at once.</summary>
    public const int Lane = 16;

    /// <summary>Of a batch of images.</summary>
    /// <param name="Images">B.</param>
    /// <param name="Height">H.</param>
    /// <param name="Width">W.</param>
    /// <param name="Channels">C, whole lanes.</param>
    public readonly record struct Size(int Images, int Height, int Width, int Channels = MinimalFiltering.Channels)
    {
        private readonly int _across = CeilingOfFourths(Width), _perImage = CeilingOfFourths(Height) * CeilingOfFourths(Width);

        /// <summary>Squares of all images. Those at the right and below may give pixels beyond the border.</summary>
        public int Squares => Images * _perImage;

        /// <summary>Floats from one row of pixels to the next.</summary>
        public long RowStride => (long)Width * Channels;

        /// <summary>Floats from one image to the next.</summary>
        public long ImageStride => Height * RowStride;

        /// <summary>Image and first pixel of what a square gives.</summary>
        public (int Image, int Y, int X) Place(int square)
        {
            (int image, int within) = int.DivRem(square, _perImage);
            (int row, int column) = int.DivRem(within, _across);
            return (image, row * Given, column * Given);
        }

        /// <summary>The same in floats.</summary>
        public long Corner(int square)
        {
            (int image, int y, int x) = Place(square);
            return image * ImageStride + y * RowStride + x * Channels;
        }

        /// <summary>Rows and columns of what a square gives that lie within the image.</summary>
        public (int Rows, int Columns) Within(int square)
        {
            (_, int y, int x) = Place(square);
            return (Math.Min(Given, Height - y), Math.Min(Given, Width - x));
        }

        private static int CeilingOfFourths(int side) => (side + Given - 1) / Given;
    }

    // Pixels a side of what a square reads and of what it gives; terms; squares of one round; bytes.
    private const int Read = 6, Given = 4, Terms = Read * Read, AtOnce = Products.Parts * Products.Rows, CacheLine = 64;

    // Floats from one term of the squares to the next. The odd cache line keeps the 36 terms of one square out of each other's place in the cache.
    private const int Step = AtOnce * Channels + Lane;

    [ThreadStatic] private static float[]? _scratch; // transformed filters, (36, C in, C out), then room for the terms of two rounds, (36, AtOnce, C) each: 1 MB, about the second cache of processors with 512-bit vectors; others have less, which costs little (docs/LOG.md)

    /// <summary>True where this processor has the vectors that make this worth while: AVX2 with FMA, or larger ones.</summary>
    public static bool IsFast => Fma.IsSupported;

    /// <summary>Floats of transformed filters, (36, C in, C out).</summary>
    public static int TransformedSize(int channelsIn = Channels, int channelsOut = Channels) => Terms * channelsIn * channelsOut;

    /// <summary>G g Gᵀ of every filter.</summary>
    /// <param name="filters">(3, 3, C in, C out).</param>
    /// <param name="transformed">(36, C in, C out).</param>
    /// <param name="size">C in · C out.</param>
    [SkipLocalsInit]
    public static void TransformFilters(float* filters, float* transformed, int size = Channels * Channels)
    {
        Vector512<float>* columns = stackalloc Vector512<float>[Read * 3];
        for (int i = 0; i < size; i += Lane, filters += Lane, transformed += Lane)
        {
            for (int x = 0; x < 3; x++)
            {
                FilterToTerms(Vector512.Load(filters + x * size), Vector512.Load(filters + (3 + x) * size), Vector512.Load(filters + (6 + x) * size),
                    out columns[x], out columns[3 + x], out columns[6 + x], out columns[9 + x], out columns[12 + x], out columns[15 + x]);
            }

            for (int y = 0; y < Read; y++)
            {
                FilterToTerms(columns[3 * y], columns[3 * y + 1], columns[3 * y + 2],
                    out Vector512<float> t0, out Vector512<float> t1, out Vector512<float> t2, out Vector512<float> t3, out Vector512<float> t4, out Vector512<float> t5);
                float* to = transformed + Read * y * size;
                t0.Store(to);
                t1.Store(to + size);
                t2.Store(to + 2 * size);
                t3.Store(to + 3 * size);
                t4.Store(to + 4 * size);
                t5.Store(to + 5 * size);
            }
        }
    }

    /// <summary>G g Gᵀ of every filter, in memory of this thread that the next call overwrites.</summary>
    /// <param name="filters">(3, 3, C in, C out).</param>
    public static float* TransformFilters(float* filters)
    {
        float* transformed = Scratch();
        TransformFilters(filters, transformed);
        return transformed;
    }

    /// <summary>Convolves images.</summary>
    /// <param name="source">(B, H, W, C in).</param>
    /// <param name="destination">(B, H, W, C out); not the source.</param>
    /// <param name="size">B, H, W, C in.</param>
    /// <param name="filters">Transformed.</param>
    /// <param name="bias">(C out), or null.</param>
    /// <param name="rectify">Negative results become 0.</param>
    /// <param name="gate">(B, H, W, C out): results become 0 where this is not above 0; or null. Its sides are multiples of 4.</param>
    /// <param name="added">(B, H, W, C out), added at last; may be the destination, or null.</param>
    /// <param name="channelsOut">C out, 16 or 64.</param>
    /// <typeparam name="T">How features are stored; the arithmetic is float32.</typeparam>
    public static void Convolve<T>(T* source, T* destination, Size size, float* filters, float* bias = null, bool rectify = false, T* gate = null, T* added = null, int channelsOut = Channels) where T : unmanaged, IFeature<T>
    {
        Size given = size with { Channels = channelsOut };
        int filterSize = size.Channels * channelsOut;
        float* terms = Scratch() + TransformedSize();
        for (int first = 0; first < size.Squares; first += AtOnce)
        {
            int count = Math.Min(AtOnce, size.Squares - first);
            for (int s = 0; s < count; s++) ReadSquare(source, size, first + s, terms + s * Channels);
            for (int term = 0; term < Terms; term++)
            {
                // Filters and a round's terms fill the second cache, or more: what comes next is fetched while the processor multiplies.
                if (term < AtOnce && first + AtOnce + term < size.Squares) Fetch(source, size, first + AtOnce + term);
                if (term < count)
                {
                    Fetch(destination, given, first + term);
                    if (gate is not null) Fetch(gate, given, first + term);
                    if (added is not null) Fetch(added, given, first + term);
                }

                float* filter = filters + term * filterSize, next = filters + (term + 1) % Terms * filterSize;
                for (int s = 0; s < count; s += Products.Rows, next += filterSize / Products.Parts) Products.Multiply(terms + term * Step + s * Channels, filter, next, size.Channels, channelsOut); // rows beyond the count are multiplied in vain
            }

            for (int s = 0; s < count; s++) WriteSquare(terms + s * Channels, bias, destination, added, gate, given, first + s, rectify);
        }
    }

    /// <summary>The gradient of a convolution's filters and bias.</summary>
    /// <param name="source">What was convolved, (B, H, W, C).</param>
    /// <param name="result">Gradient of the result, (B, H, W, C).</param>
    /// <param name="size">B, H, W.</param>
    /// <param name="filters">Becomes the gradient of the filters, (3, 3, C in, C out).</param>
    /// <param name="bias">Becomes the gradient of the bias, (C).</param>
    public static void Gradient(Float32* source, Float32* result, Size size, float* filters, float* bias)
    {
        float* transformed = Scratch(), terms = transformed + TransformedSize();
        float* gradients = terms + Terms * Step;
        new Span<float>(transformed, TransformedSize()).Clear();
        new Span<float>(bias, Channels).Clear();
        for (int first = 0; first < size.Squares; first += AtOnce)
        {
            int count = Math.Min(AtOnce, size.Squares - first);
            for (int s = 0; s < count; s++)
            {
                ReadSquare(source, size, first + s, terms + s * Channels);
                Spread((float*)(result + size.Corner(first + s)), size.RowStride, gradients + s * Channels);
                float* sums = gradients + (Read + 1) * Step + s * Channels; // this term is the sum of a square's pixels
                for (int c = 0; c < Channels; c += Lane) (Vector512.Load(bias + c) + Vector512.Load(sums + c)).Store(bias + c);
            }

            for (int term = 0; term < Terms; term++)
            {
                if (term < AtOnce && first + AtOnce + term < size.Squares)
                {
                    Fetch(source, size, first + AtOnce + term);
                    Fetch(result, size, first + AtOnce + term);
                }

                for (int from = 0; from < Channels; from += Products.Sums) Products.Add(terms + term * Step + from, gradients + term * Step, count, transformed + (term * Channels + from) * Channels);
            }
        }

        TransformGradient(transformed, filters);
    }

    /// <summary>The thread's own memory.</summary>
    private static float* Scratch()
    {
        _scratch ??= GC.AllocateUninitializedArray<float>(TransformedSize() + 2 * Terms * Step + Lane, pinned: true);
        return (float*)(((nint)Unsafe.AsPointer(ref _scratch[0]) + 63) & ~63);
    }

    /// <summary>Gᵀ u G of every filter: from the gradient of the transformed filters to that of the filters.</summary>
    /// <param name="transformed">(36, C in, C out).</param>
    /// <param name="filters">(3, 3, C in, C out).</param>
    [SkipLocalsInit]
    private static void TransformGradient(float* transformed, float* filters)
    {
        const int size = Channels * Channels;
        Vector512<float>* columns = stackalloc Vector512<float>[3 * Read];
        for (int i = 0; i < size; i += Lane, filters += Lane, transformed += Lane)
        {
            for (int x = 0; x < Read; x++)
            {
                float* column = transformed + x * size;
                (columns[x], columns[6 + x], columns[12 + x]) = TermsToFilter(Vector512.Load(column), Vector512.Load(column + 6 * size), Vector512.Load(column + 12 * size),
                    Vector512.Load(column + 18 * size), Vector512.Load(column + 24 * size), Vector512.Load(column + 30 * size));
            }

            for (int y = 0; y < 3; y++)
            {
                Vector512<float>* row = columns + Read * y;
                (Vector512<float> g0, Vector512<float> g1, Vector512<float> g2) = TermsToFilter(row[0], row[1], row[2], row[3], row[4], row[5]);
                g0.Store(filters + 3 * y * size);
                g1.Store(filters + (3 * y + 1) * size);
                g2.Store(filters + (3 * y + 2) * size);
            }
        }
    }

    /// <summary>The terms of one square.</summary>
    [SkipLocalsInit]
    private static void ReadSquare<T>(T* source, Size size, int square, float* terms) where T : unmanaged, IFeature<T>
    {
        (int image, int y, int x) = size.Place(square);
        source += image * size.ImageStride;
        int top = y - 1, left = x - 1;
        if (top >= 0 && left >= 0 && top + Read <= size.Height && left + Read <= size.Width)
        {
            TransformSquare(source + top * size.RowStride + left * size.Channels, size.RowStride, size.Channels, terms);
            return;
        }

        T* framed = stackalloc T[Terms * Channels];
        Frame(source, size, top, left, framed);
        TransformSquare(framed, Read * size.Channels, size.Channels, terms);
    }

    /// <summary>A square at the border, with zeros beyond it.</summary>
    private static void Frame<T>(T* source, Size size, int top, int left, T* framed) where T : unmanaged, IFeature<T>
    {
        for (int y = 0; y < Read; y++)
        {
            for (int x = 0; x < Read; x++, framed += size.Channels)
            {
                bool inside = top + y >= 0 && top + y < size.Height && left + x >= 0 && left + x < size.Width;
                for (int c = 0; c < size.Channels; c += Lane)
                {
                    T.Store(inside ? T.Load(source + (top + y) * size.RowStride + (left + x) * size.Channels + c) : Vector512<float>.Zero, framed + c);
                }
            }
        }
    }

    /// <summary>What one square gives, to where it belongs.</summary>
    [SkipLocalsInit]
    private static void WriteSquare<T>(float* terms, float* bias, T* destination, T* added, T* gate, Size size, int square, bool rectify) where T : unmanaged, IFeature<T>
    {
        long at = size.Corner(square);
        (int rows, int columns) = size.Within(square);
        destination += at;
        if (added is not null) added += at;
        if (rows == Given && columns == Given)
        {
            TransformBack(terms, bias, destination, added, gate is null ? null : gate + at, size.RowStride, size.Channels, rectify);
            return;
        }

        // Beyond the right or the lower border there is no room: the whole square beside, then those of its pixels that lie within.
        int rowOfSquare = Given * size.Channels, rowWithin = columns * size.Channels;
        T* whole = stackalloc T[Given * Given * Channels];
        for (int y = 0; y < rows && added is not null; y++) new ReadOnlySpan<T>(added + y * size.RowStride, rowWithin).CopyTo(new Span<T>(whole + y * rowOfSquare, rowWithin));
        TransformBack(terms, bias, whole, added is null ? null : whole, null, rowOfSquare, size.Channels, rectify);
        for (int y = 0; y < rows; y++) new ReadOnlySpan<T>(whole + y * rowOfSquare, rowWithin).CopyTo(new Span<T>(destination + y * size.RowStride, rowWithin));
    }

    /// <summary>Asks for a square's pixels and the row below them; the rest of what it reads its neighbours ask for.</summary>
    private static void Fetch<T>(T* image, Size size, int square) where T : unmanaged, IFeature<T>
    {
        T* corner = image + size.Corner(square);
        int rows = Math.Min(Read - 1, size.Height - size.Place(square).Y);
        for (int y = 0; y < rows; y++)
        {
            for (int i = 0; i < Given * size.Channels; i += CacheLine / sizeof(T)) Sse.Prefetch1(corner + y * size.RowStride + i);
        }
    }

    /// <summary>Bᵀ d B of the 6×6 pixels d; entry (y, x) goes to term 6 y + x.</summary>
    [SkipLocalsInit]
    private static void TransformSquare<T>(T* square, long rowStride, int channels, float* terms) where T : unmanaged, IFeature<T>
    {
        float* columns = stackalloc float[Terms * Lane];
        for (int c = 0; c < channels; c += Lane, square += Lane, terms += Lane)
        {
            for (int x = 0; x < Read; x++) PixelsToTerms(square + x * channels, rowStride, columns + x * Lane, Read * Lane);
            for (int y = 0; y < Read; y++) PixelsToTerms((Float32*)columns + y * Read * Lane, Lane, terms + y * Read * Step, Step);
        }
    }

    /// <summary>Aᵀ m A of the 36 terms m: 4×4 pixels.</summary>
    [SkipLocalsInit]
    private static void TransformBack<T>(float* terms, float* bias, T* destination, T* added, T* gate, long rowStride, int channels, bool rectify) where T : unmanaged, IFeature<T>
    {
        Vector512<float>* columns = stackalloc Vector512<float>[Given * Read];
        for (int c = 0; c < channels; c += Lane)
        {
            for (int x = 0; x < Read; x++)
            {
                float* column = terms + x * Step + c;
                (columns[x], columns[6 + x], columns[12 + x], columns[18 + x]) = TermsToResult(Vector512.Load(column), Vector512.Load(column + 6 * Step), Vector512.Load(column + 12 * Step),
                    Vector512.Load(column + 18 * Step), Vector512.Load(column + 24 * Step), Vector512.Load(column + 30 * Step));
            }

            Vector512<float> shift = bias is null ? Vector512<float>.Zero : Vector512.Load(bias + c);
            for (int y = 0; y < Given; y++)
            {
                Vector512<float>* row = columns + Read * y;
                (Vector512<float> p0, Vector512<float> p1, Vector512<float> p2, Vector512<float> p3) = TermsToResult(row[0], row[1], row[2], row[3], row[4], row[5]);
                p0 += shift;
                p1 += shift;
                p2 += shift;
                p3 += shift;
                if (rectify)
                {
                    p0 = Vector512.Max(p0, Vector512<float>.Zero);
                    p1 = Vector512.Max(p1, Vector512<float>.Zero);
                    p2 = Vector512.Max(p2, Vector512<float>.Zero);
                    p3 = Vector512.Max(p3, Vector512<float>.Zero);
                }

                if (gate is not null)
                {
                    T* open = gate + y * rowStride + c;
                    p0 &= Vector512.GreaterThan(T.Load(open), Vector512<float>.Zero);
                    p1 &= Vector512.GreaterThan(T.Load(open + channels), Vector512<float>.Zero);
                    p2 &= Vector512.GreaterThan(T.Load(open + 2 * channels), Vector512<float>.Zero);
                    p3 &= Vector512.GreaterThan(T.Load(open + 3 * channels), Vector512<float>.Zero);
                }

                if (added is not null)
                {
                    T* more = added + y * rowStride + c;
                    p0 += T.Load(more);
                    p1 += T.Load(more + channels);
                    p2 += T.Load(more + 2 * channels);
                    p3 += T.Load(more + 3 * channels);
                }

                T* to = destination + y * rowStride + c;
                T.Store(p0, to);
                T.Store(p1, to + channels);
                T.Store(p2, to + 2 * channels);
                T.Store(p3, to + 3 * channels);
            }
        }
    }

    /// <summary>A y Aᵀ of 4×4 pixels y: the gradient of the terms.</summary>
    [SkipLocalsInit]
    private static void Spread(float* square, long rowStride, float* terms)
    {
        Vector512<float>* columns = stackalloc Vector512<float>[Read * Given];
        for (int c = 0; c < Channels; c += Lane)
        {
            for (int x = 0; x < Given; x++)
            {
                float* column = square + x * Channels + c;
                (columns[x], columns[4 + x], columns[8 + x], columns[12 + x], columns[16 + x], columns[20 + x]) =
                    ResultToTerms(Vector512.Load(column), Vector512.Load(column + rowStride), Vector512.Load(column + 2 * rowStride), Vector512.Load(column + 3 * rowStride));
            }

            for (int y = 0; y < Read; y++)
            {
                Vector512<float>* row = columns + Given * y;
                (Vector512<float> t0, Vector512<float> t1, Vector512<float> t2, Vector512<float> t3, Vector512<float> t4, Vector512<float> t5) = ResultToTerms(row[0], row[1], row[2], row[3]);
                float* to = terms + (long)Read * y * Step + c;
                t0.Store(to);
                t1.Store(to + Step);
                t2.Store(to + 2 * Step);
                t3.Store(to + 3 * Step);
                t4.Store(to + 4 * Step);
                t5.Store(to + 5 * Step);
            }
        }
    }
}
