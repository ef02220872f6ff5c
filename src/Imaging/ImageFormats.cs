using System.Buffers.Binary;

namespace DenoiseService.Imaging;

/// <summary>The one table of formats: names, media types, signatures and what each can carry.</summary>
public static class ImageFormats
{
    private sealed record Entry(
        ImageFormat Format, string MediaType, string[] MediaTypeAliases, string Extension, string[] ExtensionAliases,
        bool IsLossless, bool HasAlpha, int MaxBitDepth, int MaxSide);

    // In the order of ImageFormat: the entry of a format is found by its number.
    private static readonly Entry[] Table =
    [
        new(ImageFormat.Png, "image/png", ["image/x-png"], ".png", [], true, true, 16, int.MaxValue),
        new(ImageFormat.Jpeg, "image/jpeg", ["image/jpg", "image/pjpeg"], ".jpg", [".jpeg", ".jpe", ".jfif"], false, false, 8, 65_500),
        new(ImageFormat.WebP, "image/webp", [], ".webp", [], false, true, 8, 16_383),
        new(ImageFormat.Tiff, "image/tiff", ["image/tiff-fx"], ".tif", [".tiff"], true, true, 16, int.MaxValue),
        new(ImageFormat.Bmp, "image/bmp", ["image/x-ms-bmp", "image/x-bmp"], ".bmp", [".dib"], true, true, 8, int.MaxValue),
        new(ImageFormat.Avif, "image/avif", [], ".avif", [], false, true, 12, 16_384),
    ];

    /// <summary>The media types that are read and written, the preferred spelling of each: what a 415 or 406 answer lists.</summary>
    public static IReadOnlyList<string> AcceptedMediaTypes { get; } = Array.ConvertAll(Table, entry => entry.MediaType);

    /// <summary>All formats, in the order of the table.</summary>
    public static IReadOnlyList<ImageFormat> All { get; } = Array.ConvertAll(Table, entry => entry.Format);

    /// <summary>
    /// Tells the format from the first bytes of a file, never from its name.
    /// </summary>
    /// <param name="head">The beginning of the file; 64 bytes are enough for all files met in practice.</param>
    /// <returns>The format, or null if the content is none that can be read.</returns>
    public static ImageFormat? Recognise(ReadOnlySpan<byte> head)
    {
        if (head.StartsWith((ReadOnlySpan<byte>)[0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]))
        {
            return ImageFormat.Png;
        }

        if (head.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]))
        {
            return ImageFormat.Jpeg;
        }

        if (head.Length >= 12 && head.StartsWith("RIFF"u8) && head[8..].StartsWith("WEBP"u8))
        {
            return ImageFormat.WebP;
        }

        // 42 is TIFF, 43 is BigTIFF, each in both byte orders.
        if (head.StartsWith("II*\0"u8) || head.StartsWith("MM\0*"u8) || head.StartsWith("II+\0"u8) || head.StartsWith("MM\0+"u8))
        {
            return ImageFormat.Tiff;
        }

        if (IsBmp(head))
        {
            return ImageFormat.Bmp;
        }

        return IsAvif(head) ? ImageFormat.Avif : null;
    }

    /// <summary>Finds a format by a name ("png", "jpeg", "jpg"), an extension (".tif") or a media type ("image/png", parameters ignored), in any case.</summary>
    /// <param name="nameOrMediaType">What a client wrote.</param>
    /// <param name="format">The format found.</param>
    /// <returns>Whether one was found.</returns>
    public static bool TryParse(string? nameOrMediaType, out ImageFormat format)
    {
        ReadOnlySpan<char> name = nameOrMediaType;
        int parameters = name.IndexOf(';');
        name = (parameters < 0 ? name : name[..parameters]).Trim();
        foreach (Entry entry in Table)
        {
            if (Matches(name, entry.MediaType, entry.MediaTypeAliases)
                || Matches(name, entry.Extension, entry.ExtensionAliases)
                || Matches(name, entry.Extension[1..], Array.ConvertAll(entry.ExtensionAliases, alias => alias[1..])))
            {
                format = entry.Format;
                return true;
            }
        }

        format = default;
        return false;
    }

    /// <summary>The media type to answer with, such as "image/png".</summary>
    public static string MediaType(ImageFormat format) => Of(format).MediaType;

    /// <summary>The usual file extension, with its dot.</summary>
    public static string Extension(ImageFormat format) => Of(format).Extension;

    /// <summary>Whether the format always keeps every sample exactly. WebP and AVIF can, but do so only when told.</summary>
    public static bool IsLossless(ImageFormat format) => Of(format).IsLossless;

    /// <summary>Whether the format can carry an alpha channel; a picture with alpha is laid on white when it cannot (JPEG).</summary>
    public static bool SupportsAlpha(ImageFormat format) => Of(format).HasAlpha;

    /// <summary>The most bits a sample can have when written: 8, 12 or 16.</summary>
    public static int MaxBitDepth(ImageFormat format) => Of(format).MaxBitDepth;

    /// <summary>The most pixels a side can have when written.</summary>
    public static int MaxSide(ImageFormat format) => Of(format).MaxSide;

    private static Entry Of(ImageFormat format) =>
        (uint)format < (uint)Table.Length ? Table[(int)format] : throw new ArgumentOutOfRangeException(nameof(format));

    private static bool Matches(ReadOnlySpan<char> name, string preferred, string[] aliases)
    {
        if (name.Equals(preferred, StringComparison.OrdinalIgnoreCase))
        {
            return true;
        }

        foreach (string alias in aliases)
        {
            if (name.Equals(alias, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }

    // "BM" alone is two letters of any text: the size of the second header must be one that was ever defined.
    private static bool IsBmp(ReadOnlySpan<byte> head) =>
        head.Length >= 18 && head.StartsWith("BM"u8)
        && BinaryPrimitives.ReadUInt32LittleEndian(head[14..]) is 12 or 16 or 40 or 52 or 56 or 64 or 108 or 124;

    // A HEIF file opens with a list of brands; the AV1 ones are readable here, the HEVC ones ("heic") are not.
    private static bool IsAvif(ReadOnlySpan<byte> head)
    {
        if (head.Length < 16 || !head[4..].StartsWith("ftyp"u8))
        {
            return false;
        }

        int end = (int)Math.Min(BinaryPrimitives.ReadUInt32BigEndian(head), (uint)head.Length);
        for (int at = 8; at + 4 <= end; at += 4)
        {
            // Bytes 12 to 15 are the minor version, not a brand.
            if (at != 12 && (head[at..].StartsWith("avif"u8) || head[at..].StartsWith("avis"u8)))
            {
                return true;
            }
        }

        return false;
    }
}
