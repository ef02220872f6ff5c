using System.Buffers.Binary;

namespace DenoiseService.Imaging;

/// <summary>
/// Writes uncompressed Windows bitmaps, bottom-up as every reader takes them: grey as 8 bits with a grey palette, colour as 24 bits, alpha as 32
/// bits with masks. The short header is used unless alpha or a colour profile needs the long one (version 5).
/// </summary>
internal static class BmpWriter
{
    private const int FileHeader = 14;
    private const int InfoHeader = 40;
    private const int V5Header = 124;

    public static byte[] Write(Picture picture, EncodeOptions options, CancellationToken cancellationToken)
    {
        ReadOnlySpan<byte> profile = options.Color == OutputColor.Keep ? picture.IccProfile.Span : default;
        bool grey = picture.Channels == 1 && !picture.HasAlpha;
        int bits = picture.HasAlpha ? 32 : grey ? 8 : 24;
        int headerSize = picture.HasAlpha || !profile.IsEmpty ? V5Header : InfoHeader;
        int offset = FileHeader + headerSize + (grey ? 4 * 256 : 0);
        long stride = (((long)picture.Width * bits) + 31) / 32 * 4;
        long length = offset + (stride * picture.Height) + profile.Length;
        if (length > Array.MaxLength)
        {
            throw new ImageTooLargeException("bytes", Array.MaxLength, length);
        }

        byte[] file = new byte[length];
        WriteHeader(file, picture, bits, headerSize, offset);
        if (grey)
        {
            for (int v = 0; v < 256; v++)
            {
                file.AsSpan(FileHeader + headerSize + (4 * v), 3).Fill((byte)v);
            }
        }

        int bands = picture.Channels + (picture.HasAlpha ? 1 : 0);
        int y = picture.Height;
        VipsWriter.WriteRows(
            picture, ImageFormat.Bmp, options,
            (band, rows) =>
            {
                int rowBytes = picture.Width * bands;
                for (int i = 0; i < rows; i++)
                {
                    WriteRow(band.AsSpan(i * rowBytes, rowBytes), bands, bits / 8, file.AsSpan(offset + (--y * (int)stride), (int)stride));
                }
            },
            cancellationToken);
        if (!profile.IsEmpty)
        {
            profile.CopyTo(file.AsSpan(file.Length - profile.Length));
            U32(file, FileHeader + 56, 0x4D424544);
            U32(file, FileHeader + 112, (uint)(file.Length - profile.Length - FileHeader));
            U32(file, FileHeader + 116, (uint)profile.Length);
        }

        return file;
    }

    private static void WriteHeader(byte[] file, Picture picture, int bits, int headerSize, int offset)
    {
        file[0] = (byte)'B';
        file[1] = (byte)'M';
        U32(file, 2, (uint)file.Length);
        U32(file, 10, (uint)offset);
        U32(file, 14, (uint)headerSize);
        U32(file, 18, (uint)picture.Width);
        U32(file, 22, (uint)picture.Height);
        file[26] = 1;
        file[28] = (byte)bits;
        U32(file, 38, PerMetre(picture.ResolutionX));
        U32(file, 42, PerMetre(picture.ResolutionY));
        if (headerSize == V5Header)
        {
            U32(file, FileHeader + 56, 0x73524742); // "sRGB"
            U32(file, FileHeader + 108, 4); // Rendering intent: images.
        }

        if (bits == 32)
        {
            file[30] = 3;
            U32(file, 54, 0x00FF0000);
            U32(file, 58, 0x0000FF00);
            U32(file, 62, 0x000000FF);
            U32(file, 66, 0xFF000000);
        }
    }

    private static void WriteRow(ReadOnlySpan<byte> from, int bands, int bytesPerPixel, Span<byte> to)
    {
        if (bytesPerPixel == 1)
        {
            from.CopyTo(to);
            return;
        }

        int blue = bands >= 3 ? 2 : 0;
        int green = bands >= 3 ? 1 : 0;
        for (int i = 0, o = 0; i < from.Length; i += bands, o += bytesPerPixel)
        {
            to[o] = from[i + blue];
            to[o + 1] = from[i + green];
            to[o + 2] = from[i];
            if (bytesPerPixel == 4)
            {
                to[o + 3] = from[i + bands - 1];
            }
        }
    }

    private static uint PerMetre(double perMillimetre) => (uint)Math.Clamp(Math.Round(perMillimetre * 1000), 0, int.MaxValue);

    private static void U32(byte[] file, int at, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(at), value);
}
