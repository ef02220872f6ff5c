using System.Buffers.Binary;
using System.Numerics;

namespace DenoiseService.Imaging;

/// <summary>
/// The two headers of a Windows bitmap, checked: after <see cref="Parse"/> every offset and length lies inside the file, so that the reader needs no
/// checks but those of the pixel values themselves.
/// </summary>
internal sealed record BmpHeader
{
    /// <summary>One channel of a pixel in 16 or 32 bits: up to 8 neighbouring bits.</summary>
    public readonly record struct Mask(int Shift, int Max);

    private const int FileHeader = 14;
    private const int InfoHeader = 40;
    private const int V4Header = 108;
    private const int V5Header = 124;
    private const uint ProfileEmbedded = 0x4D424544; // "MBED"

    public required int Width { get; init; }

    public required int Height { get; init; }

    public required bool IsTopDown { get; init; }

    public required int BitsPerPixel { get; init; }

    public required int PixelOffset { get; init; }

    /// <summary>Bytes of a row: whole groups of four.</summary>
    public required int Stride { get; init; }

    /// <summary>Entries of B, G, R, 0 at <see cref="PaletteOffset"/>; 0 above 8 bits.</summary>
    public required int PaletteCount { get; init; }

    public required int PaletteOffset { get; init; }

    /// <summary>Red, green, blue and possibly alpha, for 16 and 32 bits.</summary>
    public required Mask[] Masks { get; init; }

    public required bool IsGrey { get; init; }

    public required Range Profile { get; init; }

    /// <summary>Pixels per metre, 0 if unknown.</summary>
    public required int ResolutionX { get; init; }

    /// <summary>Pixels per metre, 0 if unknown.</summary>
    public required int ResolutionY { get; init; }

    public int Channels => IsGrey ? 1 : 3;

    public bool HasAlpha => Masks.Length == 4;

    public static BmpHeader Parse(ReadOnlySpan<byte> bytes, DecodeLimits limits)
    {
        uint headerSize = U32(bytes, FileHeader);
        if (headerSize is not (InfoHeader or 52 or 56 or V4Header or V5Header))
        {
            throw new UnsupportedImageException($"Bitmaps with an OS/2 header ({headerSize} bytes) are not read");
        }

        if (bytes.Length < FileHeader + headerSize)
        {
            throw new CorruptImageException("The bitmap ends before its header does.");
        }

        int width = I32(bytes, 18);
        int height = I32(bytes, 22);
        limits.CheckSize(width, Math.Abs((long)height));
        limits.CheckFrames(1);

        int bits = BinaryPrimitives.ReadUInt16LittleEndian(bytes[28..]);
        uint compression = U32(bytes, 30);
        bool hasMasks = compression is 3 or 6;
        CheckCoding(bits, compression);

        // A 40-byte header has its masks behind it, the longer ones inside: at the same place.
        int extraMasks = headerSize == InfoHeader && hasMasks ? (compression == 6 ? 16 : 12) : 0;
        int paletteOffset = FileHeader + (int)headerSize + extraMasks;
        long paletteCount = bits > 8 ? 0 : U32(bytes, 46) is var used && used == 0 ? 1 << bits : used;
        uint pixelOffset = U32(bytes, 10);
        if (paletteCount > 1 << Math.Min(bits, 8) || paletteOffset + (4 * paletteCount) > pixelOffset)
        {
            throw new CorruptImageException("The bitmap's palette is larger than its place.");
        }

        long stride = (((long)width * bits) + 31) / 32 * 4;
        long needed = pixelOffset + (stride * Math.Abs((long)height));
        if (needed > bytes.Length)
        {
            throw new CorruptImageException($"The bitmap is truncated: it needs {needed} bytes and has {bytes.Length}.");
        }

        BmpHeader header = new()
        {
            Width = width,
            Height = Math.Abs(height),
            IsTopDown = height < 0,
            BitsPerPixel = bits,
            PixelOffset = (int)pixelOffset,
            Stride = (int)stride,
            PaletteCount = (int)paletteCount,
            PaletteOffset = paletteOffset,
            Masks = bits is 16 or 32 ? ReadMasks(bytes, bits, hasMasks, headerSize, compression) : [],
            IsGrey = bits <= 8 && IsGreyPalette(bytes.Slice(paletteOffset, 4 * (int)paletteCount)),
            Profile = 0..0,
            ResolutionX = Math.Max(0, I32(bytes, 38)),
            ResolutionY = Math.Max(0, I32(bytes, 42)),
        };
        return header with { Profile = FindProfile(bytes, headerSize, header.Channels) };
    }

    public ImageHeader ToImageHeader(ReadOnlySpan<byte> bytes) =>
        new(ImageFormat.Bmp, Width, Height, Channels, HasAlpha, 8, 1, !bytes[Profile].IsEmpty) { IsLossless = true };

    private static void CheckCoding(int bits, uint compression)
    {
        if (compression is 1 or 2)
        {
            throw new UnsupportedImageException("Run-length coded bitmaps (RLE) are not read; save it uncompressed");
        }

        if (compression is not (0 or 3 or 6))
        {
            throw new UnsupportedImageException($"Bitmaps of compression {compression} are not read; save it uncompressed");
        }

        bool isKnown = compression == 0 ? bits is 1 or 4 or 8 or 16 or 24 or 32 : bits is 16 or 32;
        if (!isKnown)
        {
            throw new UnsupportedImageException($"Bitmaps of {bits} bits a pixel with compression {compression} are not read");
        }
    }

    private static Mask[] ReadMasks(ReadOnlySpan<byte> bytes, int bits, bool hasMasks, uint headerSize, uint compression)
    {
        if (!hasMasks)
        {
            // The top bit (16) or byte (32) is undefined without masks: not alpha.
            return bits == 16 ? [new(10, 31), new(5, 31), new(0, 31)] : [new(16, 255), new(8, 255), new(0, 255)];
        }

        bool hasAlpha = headerSize >= 56 || (headerSize == InfoHeader && compression == 6);
        int end = FileHeader + InfoHeader + (hasAlpha ? 16 : 12);
        if (bytes.Length < end)
        {
            throw new CorruptImageException("The bitmap ends before its channel masks do.");
        }

        uint alpha = hasAlpha ? U32(bytes, 66) : 0;
        uint[] raw = alpha == 0 ? [U32(bytes, 54), U32(bytes, 58), U32(bytes, 62)] : [U32(bytes, 54), U32(bytes, 58), U32(bytes, 62), alpha];
        uint taken = 0;
        foreach (uint mask in raw)
        {
            uint ones = mask >> BitOperations.TrailingZeroCount(mask);
            if (mask == 0 || (ones & (ones + 1)) != 0 || (taken & mask) != 0 || (bits == 16 && mask > ushort.MaxValue))
            {
                throw new CorruptImageException("The bitmap's channel masks are empty, torn or overlap.");
            }

            if (ones > byte.MaxValue)
            {
                throw new UnsupportedImageException("Bitmaps with more than 8 bits a channel are not read");
            }

            taken |= mask;
        }

        return Array.ConvertAll(raw, mask => new Mask(BitOperations.TrailingZeroCount(mask), (int)(mask >> BitOperations.TrailingZeroCount(mask))));
    }

    private static bool IsGreyPalette(ReadOnlySpan<byte> palette)
    {
        for (int i = 0; i < palette.Length; i += 4)
        {
            if (palette[i] != palette[i + 1] || palette[i] != palette[i + 2])
            {
                return false;
            }
        }

        return true;
    }

    private static Range FindProfile(ReadOnlySpan<byte> bytes, uint headerSize, int channels)
    {
        if (headerSize != V5Header || U32(bytes, FileHeader + 56) != ProfileEmbedded)
        {
            return 0..0;
        }

        long start = FileHeader + (long)U32(bytes, FileHeader + 112);
        long end = start + U32(bytes, FileHeader + 116);
        return end <= bytes.Length && IccProfile.Fits(bytes[(int)start..(int)end], channels) ? (int)start..(int)end : 0..0;
    }

    private static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    private static int I32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadInt32LittleEndian(bytes[at..]);
}
