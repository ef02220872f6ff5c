using System.Buffers.Binary;

namespace DenoiseService.Imaging;

/// <summary>The few facts that libvips does not tell, read from the chunks of the file itself. Only lengths are trusted that were checked.</summary>
internal static class Containers
{
    /// <summary>
    /// Checks the size a PNG declares, and counts its frames. libvips reads only the first frame of an animated PNG and does not say that there are
    /// more, and turns sizes beyond its own bound into a general failure.
    /// </summary>
    public static void CheckPng(ReadOnlySpan<byte> bytes, DecodeLimits limits)
    {
        const int signature = 8, chunkOverhead = 12;
        if (bytes.Length < signature + chunkOverhead + 13 || !bytes[12..].StartsWith("IHDR"u8))
        {
            throw new CorruptImageException("The PNG ends before its header does.");
        }

        limits.CheckSize(BinaryPrimitives.ReadUInt32BigEndian(bytes[16..]), BinaryPrimitives.ReadUInt32BigEndian(bytes[20..]));
        for (long at = signature; at + chunkOverhead <= bytes.Length;)
        {
            ReadOnlySpan<byte> chunk = bytes[(int)at..];
            ReadOnlySpan<byte> kind = chunk[4..];
            if (kind.StartsWith("IDAT"u8))
            {
                return;
            }

            if (kind.StartsWith("acTL"u8))
            {
                limits.CheckFrames(BinaryPrimitives.ReadUInt32BigEndian(chunk[8..]));
            }

            at += chunkOverhead + (long)BinaryPrimitives.ReadUInt32BigEndian(chunk);
        }
    }

    /// <summary>Whether the (first) picture of a WebP file is coded without loss.</summary>
    public static bool IsLosslessWebP(ReadOnlySpan<byte> bytes)
    {
        for (long at = 12; at + 8 <= bytes.Length;)
        {
            ReadOnlySpan<byte> chunk = bytes[(int)at..];
            if (chunk.StartsWith("VP8L"u8))
            {
                return true;
            }

            if (chunk.StartsWith("VP8 "u8))
            {
                return false;
            }

            // A frame of an animation holds 16 bytes of its own and then such chunks again.
            long length = BinaryPrimitives.ReadUInt32LittleEndian(chunk[4..]);
            at += chunk.StartsWith("ANMF"u8) ? 8 + 16 : 8 + length + (length & 1);
        }

        return false;
    }
}
