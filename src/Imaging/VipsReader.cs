using System.Runtime.InteropServices;
using NetVips;

namespace DenoiseService.Imaging;

/// <summary>
/// Reads all formats but BMP. Opening parses the header only; the pixels come afterwards in bands of rows, straight into the float planes,
/// so that a picture exists once in memory (beside what the codec itself needs for interlaced files, WebP and AVIF).
/// </summary>
internal sealed class VipsReader : IDisposable
{
    // Upright pictures are read in pieces that stay in the second-level cache and off the large object heap. When rows become columns more
    // rows at a time make longer runs in the columns.
    private const int BandBytes = 64 << 10;
    private const int TransposedBandBytes = 1 << 20;

    private static readonly float[] Unit8 = Steps(byte.MaxValue);
    private static readonly Lazy<float[]> Unit16 = new(() => Steps(ushort.MaxValue));

    private readonly Source _source;
    private readonly Image _loaded;
    private readonly Image _pixels;
    private readonly Orientation _orientation;
    private readonly byte[] _profile;

    private VipsReader(Source source, Image loaded, Image pixels, Orientation orientation, byte[] profile, ImageHeader header)
    {
        _source = source;
        _loaded = loaded;
        _pixels = pixels;
        _orientation = orientation;
        _profile = profile;
        Header = header;
    }

    public ImageHeader Header { get; }

    /// <summary>Reads the header and checks all limits that need one.</summary>
    public static VipsReader Open(ReadOnlyMemory<byte> bytes, ImageFormat format, DecodeLimits limits)
    {
        VipsLibrary.Initialise();
        if (format == ImageFormat.Png)
        {
            Containers.CheckPng(bytes.Span, limits);
        }

        Source source = Source.NewFromMemory(WholeArray(bytes));
        Image? loaded = null;
        Image? pixels = null;
        try
        {
            loaded = Image.NewFromSource(source, access: NetVips.Enums.Access.Sequential, failOn: NetVips.Enums.FailOn.Truncated);
            limits.CheckSize(loaded.Width, loaded.Height);
            int frames = loaded.Contains("n-pages") ? Math.Max(1, (int)loaded.Get("n-pages")) : 1;
            limits.CheckFrames(frames);
            pixels = ToGreyOrRgb(loaded, out bool converted);

            // A HEIF file turns its own picture; the EXIF value in it is for information only.
            int exif = format != ImageFormat.Avif && loaded.Contains("orientation") ? (int)loaded.Get("orientation") : 1;
            Orientation orientation = new(exif, pixels.Width, pixels.Height);
            int channels = pixels.Bands <= 2 ? 1 : 3;
            byte[] profile = !converted && loaded.Contains("icc-profile-data") ? (byte[])loaded.Get("icc-profile-data") : [];
            profile = IccProfile.Fits(profile, channels) ? profile : [];
            bool lossless = format == ImageFormat.WebP ? Containers.IsLosslessWebP(bytes.Span) : ImageFormats.IsLossless(format);
            ImageHeader header = new(
                format, orientation.Width, orientation.Height, channels, pixels.Bands is 2 or 4,
                pixels.Format == NetVips.Enums.BandFormat.Ushort ? 16 : 8, frames, profile.Length > 0) { IsLossless = lossless };
            return new VipsReader(source, loaded, pixels, orientation, profile, header);
        }
        catch (Exception error)
        {
            pixels?.Dispose();
            loaded?.Dispose();
            source.Dispose();
            if (error is VipsException vips)
            {
                throw VipsLibrary.Corrupt(format, vips);
            }

            throw;
        }
    }

    /// <summary>Decodes the pixels.</summary>
    public Picture Read(CancellationToken cancellationToken)
    {
        int plane = _orientation.Width * _orientation.Height;
        float[] samples = GC.AllocateUninitializedArray<float>(plane * Header.ColourChannels);
        byte[]? alpha = Header.HasAlpha ? GC.AllocateUninitializedArray<byte>(checked(plane * (Header.BitDepth / 8))) : null;
        try
        {
            using Region region = Region.New(_pixels);
            int rowBytes = _pixels.Width * _pixels.Bands * (Header.BitDepth / 8);
            int rows = Math.Max(1, (_orientation.IsTransposed ? TransposedBandBytes : BandBytes) / rowBytes);
            for (int top = 0; top < _pixels.Height; top += rows)
            {
                cancellationToken.ThrowIfCancellationRequested();
                int count = Math.Min(rows, _pixels.Height - top);
                byte[] band = region.Fetch(0, top, _pixels.Width, count);
                if (Header.BitDepth == 16)
                {
                    Place<ushort>(MemoryMarshal.Cast<byte, ushort>(band), top, count, Unit16.Value, samples, MemoryMarshal.Cast<byte, ushort>(alpha.AsSpan()));
                }
                else
                {
                    Place<byte>(band, top, count, Unit8, samples, alpha);
                }
            }
        }
        catch (VipsException error)
        {
            throw VipsLibrary.Corrupt(Header.Format, error);
        }

        return new Picture(samples, Header.ColourChannels, Header.Height, Header.Width, Header.BitDepth, alpha)
        {
            SourceFormat = Header.Format,
            IsSourceLossless = Header.IsLossless,
            IccProfile = _profile,
            ResolutionX = _orientation.IsTransposed ? _pixels.Yres : _pixels.Xres,
            ResolutionY = _orientation.IsTransposed ? _pixels.Xres : _pixels.Yres,
        };
    }

    public void Dispose()
    {
        _pixels.Dispose();
        _loaded.Dispose();

        // Last: it pins the bytes that the others read.
        _source.Dispose();
    }

    // libvips reads the caller's array where it lies; only a part of an array has to be copied.
    private static byte[] WholeArray(ReadOnlyMemory<byte> bytes) =>
        MemoryMarshal.TryGetArray(bytes, out ArraySegment<byte> segment) && segment.Count == segment.Array!.Length
            ? segment.Array
            : bytes.ToArray();

    /// <summary>Grey or RGB, with or without alpha, of 8 or 16 bits: as loaded if it is that already, else converted or refused.</summary>
    private static Image ToGreyOrRgb(Image image, out bool converted)
    {
        bool wide = image.Format == NetVips.Enums.BandFormat.Ushort;
        bool isInteger = wide || image.Format == NetVips.Enums.BandFormat.Uchar;
        converted = false;
        switch (image.Interpretation)
        {
            case NetVips.Enums.Interpretation.Bw or NetVips.Enums.Interpretation.Grey16 when isInteger && image.Bands is 1 or 2:
            case NetVips.Enums.Interpretation.Srgb or NetVips.Enums.Interpretation.Rgb or NetVips.Enums.Interpretation.Rgb16 when isInteger && image.Bands is 3 or 4:
                return image.Copy();
            case NetVips.Enums.Interpretation.Cmyk when isInteger && image.Bands is 4 or 5:
                converted = true;
                return image.Colourspace(wide ? NetVips.Enums.Interpretation.Rgb16 : NetVips.Enums.Interpretation.Srgb);
            case NetVips.Enums.Interpretation.Labq:
                converted = true;
                return image.Colourspace(NetVips.Enums.Interpretation.Srgb);
            case NetVips.Enums.Interpretation.Lab or NetVips.Enums.Interpretation.Labs when image.Bands is 3 or 4:
                converted = true;
                return image.Colourspace(NetVips.Enums.Interpretation.Rgb16);
            default:
                throw new UnsupportedImageException(
                    $"Pixels of {image.Bands} channels, sample type {image.Format} and colour space {image.Interpretation} are not read; grey, RGB, CMYK and LAB of 8 or 16 bits are");
        }
    }

    /// <summary>Puts a band of interleaved rows where the orientation wants them: colour as floats into the planes, alpha unchanged.</summary>
    private void Place<T>(ReadOnlySpan<T> band, int top, int rows, float[] unit, float[] samples, Span<T> alpha)
        where T : unmanaged, System.Numerics.IBinaryInteger<T>
    {
        int plane = _orientation.Width * _orientation.Height;
        int bands = _pixels.Bands;
        int width = _pixels.Width;

        // The inner loop always runs along a row of the upright picture.
        (int outer, int outerStep, int outerPixels) = _orientation.IsTransposed ? (width, _orientation.StepX, 1) : (rows, _orientation.StepY, width);
        (int inner, int innerStep, int innerPixels) = _orientation.IsTransposed ? (rows, _orientation.StepY, width) : (width, _orientation.StepX, 1);
        int first = _orientation.Origin + (top * _orientation.StepY);
        for (int c = 0; c < bands; c++)
        {
            bool isColour = c < Header.ColourChannels;
            Span<float> colour = isColour ? samples.AsSpan(c * plane, plane) : default;
            for (int i = 0; i < outer; i++)
            {
                int to = first + (i * outerStep);
                int from = (i * outerPixels * bands) + c;
                for (int j = 0; j < inner; j++, to += innerStep, from += innerPixels * bands)
                {
                    if (isColour)
                    {
                        colour[to] = unit[int.CreateTruncating(band[from])];
                    }
                    else
                    {
                        alpha[to] = band[from];
                    }
                }
            }
        }
    }

    // A table gives v / max exactly and costs no division.
    private static float[] Steps(int max)
    {
        float[] steps = new float[max + 1];
        for (int v = 0; v <= max; v++)
        {
            steps[v] = v / (float)max;
        }

        return steps;
    }
}
