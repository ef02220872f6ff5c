namespace DenoiseService.Imaging;

/// <summary>The file formats this service reads and writes. Everything about one stands in <see cref="ImageFormats"/>.</summary>
public enum ImageFormat
{
    /// <summary>Portable Network Graphics, 8 or 16 bits.</summary>
    Png,

    /// <summary>JPEG, baseline or progressive, 8 bits; grey, YCbCr or CMYK.</summary>
    Jpeg,

    /// <summary>WebP, lossy or lossless, 8 bits.</summary>
    WebP,

    /// <summary>TIFF and BigTIFF with integer samples of up to 16 bits.</summary>
    Tiff,

    /// <summary>Windows bitmap, uncompressed.</summary>
    Bmp,

    /// <summary>AVIF (AV1 in a HEIF file), 8, 10 or 12 bits. HEVC pictures ("HEIC") are not included: the codec here has AV1 only.</summary>
    Avif,
}
