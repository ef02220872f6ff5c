namespace DenoiseService.Imaging;

/// <summary>
/// Bytes to pixels and back. All methods are thread safe and take their input as hostile: whatever the bytes are, the answer is a picture or
/// an <see cref="ImagingException"/>.
/// </summary>
public static class ImageCodec
{
    /// <summary>
    /// Sets the codec's globals now instead of at the first picture (which then takes some 50 ms longer).
    /// </summary>
    /// <param name="concurrency">Threads for one picture, at least 1; null leaves the default, one per core.</param>
    public static void Initialise(int? concurrency = null) => VipsLibrary.Initialise(concurrency);

    /// <summary>Reads the header and checks every limit; no pixel is decoded and no memory for any is taken.</summary>
    /// <param name="bytes">The file.</param>
    /// <param name="limits">What the picture may cost.</param>
    /// <exception cref="UnsupportedImageException">The content is of a kind that is not read.</exception>
    /// <exception cref="ImageTooLargeException">The picture is above a limit.</exception>
    /// <exception cref="CorruptImageException">The header is truncated or damaged.</exception>
    public static ImageHeader ReadHeader(ReadOnlyMemory<byte> bytes, DecodeLimits limits)
    {
        ImageFormat format = Recognise(bytes.Span, limits);
        if (format == ImageFormat.Bmp)
        {
            return BmpHeader.Parse(bytes.Span, limits).ToImageHeader(bytes.Span);
        }

        using VipsReader reader = VipsReader.Open(bytes, format, limits);
        return reader.Header;
    }

    /// <summary>
    /// Decodes a picture, upright. Of several frames it is the first. Colour spaces other than grey and RGB become sRGB; every metadatum but the
    /// colour profile and the resolution is left behind.
    /// </summary>
    /// <param name="bytes">The file.</param>
    /// <param name="limits">What the picture may cost, checked before any pixel is decoded.</param>
    /// <param name="cancellationToken">Looked at between bands of rows.</param>
    /// <exception cref="UnsupportedImageException">The content is of a kind that is not read.</exception>
    /// <exception cref="ImageTooLargeException">The picture is above a limit.</exception>
    /// <exception cref="CorruptImageException">The file is truncated or damaged.</exception>
    public static Picture Decode(ReadOnlyMemory<byte> bytes, DecodeLimits limits, CancellationToken cancellationToken = default)
    {
        ImageFormat format = Recognise(bytes.Span, limits);
        if (format == ImageFormat.Bmp)
        {
            return BmpReader.Read(bytes.Span, BmpHeader.Parse(bytes.Span, limits), cancellationToken);
        }

        using VipsReader reader = VipsReader.Open(bytes, format, limits);
        return reader.Read(cancellationToken);
    }

    /// <summary>Whether a picture can be written in sRGB, for before more work is done on it; quick, for its profile alone decides.</summary>
    /// <param name="picture">The picture.</param>
    /// <exception cref="CorruptImageException">Its colour profile is damaged.</exception>
    public static void CheckProfile(Picture picture)
    {
        ArgumentNullException.ThrowIfNull(picture);
        if (picture.IccProfile.IsEmpty)
        {
            return;
        }

        Picture pixel = new(new float[picture.Channels], picture.Channels, 1, 1, picture.BitDepth) { IccProfile = picture.IccProfile };
        Encode(pixel, ImageFormat.Png, new EncodeOptions { Color = OutputColor.Srgb });
    }

    /// <summary>
    /// Writes a picture. Samples are clipped to [0, 1] and rounded to the nearest step; untouched samples give the source's values exactly in every
    /// lossless format of its depth. Alpha is written unchanged, and where it is 0 the source's colour is put back into
    /// <see cref="Picture.Samples"/> first. JPEG has no alpha: the picture is laid on white. 16-bit pictures become 8 bits in JPEG, WebP
    /// and BMP, 12 bits in AVIF. Grey stays grey where the format has it (WebP and AVIF write three equal channels).
    /// </summary>
    /// <param name="picture">The picture.</param>
    /// <param name="format">The format to write.</param>
    /// <param name="options">Quality and colour; null for the defaults.</param>
    /// <param name="cancellationToken">Looked at between bands of rows.</param>
    /// <exception cref="ArgumentOutOfRangeException">The quality is not 1 to 100.</exception>
    /// <exception cref="ImageTooLargeException">The format cannot hold a picture of this size (<see cref="ImageFormats.MaxSide"/>).</exception>
    /// <exception cref="CorruptImageException">The picture is to be converted to sRGB and its colour profile is damaged.</exception>
    public static byte[] Encode(Picture picture, ImageFormat format, EncodeOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(picture);
        options ??= EncodeOptions.Default;
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Quality, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Quality, 100, nameof(options));
        int maxSide = ImageFormats.MaxSide(format);
        if (Math.Max(picture.Width, picture.Height) > maxSide)
        {
            throw new ImageTooLargeException("side", maxSide, Math.Max(picture.Width, picture.Height));
        }

        cancellationToken.ThrowIfCancellationRequested();
        VipsLibrary.Initialise();
        picture.RestoreHiddenColour();
        return format == ImageFormat.Bmp
            ? BmpWriter.Write(picture, options, cancellationToken)
            : VipsWriter.Write(picture, format, options, cancellationToken);
    }

    private static ImageFormat Recognise(ReadOnlySpan<byte> bytes, DecodeLimits limits)
    {
        ArgumentNullException.ThrowIfNull(limits);
        limits.CheckBytes(bytes.Length);
        return ImageFormats.Recognise(bytes) ?? throw new UnsupportedImageException(
            bytes.IsEmpty ? "The file is empty" : "The content is no picture of a kind that is read here");
    }
}
