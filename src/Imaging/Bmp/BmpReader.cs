using System.Buffers.Binary;

namespace DenoiseService.Imaging;

/// <summary>Reads the pixels of a Windows bitmap whose header has been checked.</summary>
internal static class BmpReader
{
    public static Picture Read(ReadOnlySpan<byte> bytes, BmpHeader header, CancellationToken cancellationToken)
    {
        int plane = header.Width * header.Height;
        float[] samples = GC.AllocateUninitializedArray<float>(plane * header.Channels);
        byte[]? alpha = header.HasAlpha ? GC.AllocateUninitializedArray<byte>(plane) : null;
        ReadOnlySpan<byte> palette = bytes.Slice(header.PaletteOffset, 4 * header.PaletteCount);
        for (int y = 0; y < header.Height; y++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int stored = header.IsTopDown ? y : header.Height - 1 - y;
            ReadOnlySpan<byte> row = bytes.Slice(header.PixelOffset + (stored * header.Stride), header.Stride);
            int first = y * header.Width;
            if (header.BitsPerPixel <= 8)
            {
                ReadIndices(row, header, palette, samples, first, plane);
            }
            else if (header.BitsPerPixel == 24)
            {
                for (int x = 0; x < header.Width; x++)
                {
                    SetColour(samples, first + x, plane, row[(3 * x) + 2], row[(3 * x) + 1], row[3 * x]);
                }
            }
            else
            {
                ReadMasked(row, header, samples, alpha, first, plane);
            }
        }

        return new Picture(samples, header.Channels, header.Height, header.Width, 8, alpha)
        {
            SourceFormat = ImageFormat.Bmp,
            IsSourceLossless = true,
            IccProfile = bytes[header.Profile].ToArray(),
            ResolutionX = header.ResolutionX / 1000.0,
            ResolutionY = header.ResolutionY / 1000.0,
        };
    }

    private static void ReadIndices(ReadOnlySpan<byte> row, BmpHeader header, ReadOnlySpan<byte> palette, float[] samples, int first, int plane)
    {
        // The leftmost pixel stands in the highest bits.
        int bits = header.BitsPerPixel;
        int perByte = 8 / bits;
        for (int x = 0; x < header.Width; x++)
        {
            int shift = 8 - (bits * ((x % perByte) + 1));
            int index = (row[x / perByte] >> shift) & ((1 << bits) - 1);
            if (index >= header.PaletteCount)
            {
                throw new CorruptImageException($"A pixel of the bitmap names colour {index} of a palette of {header.PaletteCount}.");
            }

            ReadOnlySpan<byte> entry = palette.Slice(4 * index, 3);
            if (header.IsGrey)
            {
                samples[first + x] = entry[0] / 255f;
            }
            else
            {
                SetColour(samples, first + x, plane, entry[2], entry[1], entry[0]);
            }
        }
    }

    private static void ReadMasked(ReadOnlySpan<byte> row, BmpHeader header, float[] samples, byte[]? alpha, int first, int plane)
    {
        for (int x = 0; x < header.Width; x++)
        {
            uint pixel = header.BitsPerPixel == 16
                ? BinaryPrimitives.ReadUInt16LittleEndian(row[(2 * x)..])
                : BinaryPrimitives.ReadUInt32LittleEndian(row[(4 * x)..]);
            SetColour(
                samples, first + x, plane,
                Extract(pixel, header.Masks[0]), Extract(pixel, header.Masks[1]), Extract(pixel, header.Masks[2]));
            if (alpha is not null)
            {
                alpha[first + x] = Extract(pixel, header.Masks[3]);
            }
        }
    }

    // Channels of fewer bits are spread over 0 to 255, so that full stays full.
    private static byte Extract(uint pixel, BmpHeader.Mask mask) =>
        (byte)(((((int)(pixel >> mask.Shift) & mask.Max) * 255) + (mask.Max / 2)) / mask.Max);

    private static void SetColour(float[] samples, int at, int plane, byte red, byte green, byte blue)
    {
        samples[at] = red / 255f;
        samples[plane + at] = green / 255f;
        samples[(2 * plane) + at] = blue / 255f;
    }
}
