using System.Buffers.Binary;
using System.IO.Compression;
using NetVips;
using NvEnums = NetVips.Enums;

namespace DenoiseService.Imaging.Tests;

/// <summary>Pictures and files made on the spot.</summary>
internal static class Samples
{
    public static readonly DecodeLimits Limits = new(64 << 20, 50, 1, 16_384);

    public static byte[] File(string name) => System.IO.File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Data", name));

    /// <summary>Random samples that are exact steps of the depth.</summary>
    public static Picture Noise(int seed, int channels, int height, int width, int bitDepth = 8, bool alpha = false, byte[]? profile = null)
    {
        Random random = new(seed);
        int max = bitDepth == 16 ? 65535 : 255;
        float[] samples = new float[channels * height * width];
        for (int i = 0; i < samples.Length; i++)
        {
            samples[i] = random.Next(max + 1) / (float)max;
        }

        byte[]? alphaBytes = null;
        if (alpha)
        {
            alphaBytes = new byte[height * width * (bitDepth / 8)];
            random.NextBytes(alphaBytes);

            // A third of the pixels fully transparent.
            for (int i = 0; i < height * width; i += 3)
            {
                alphaBytes.AsSpan(i * (bitDepth / 8), bitDepth / 8).Clear();
            }
        }

        return new Picture(samples, channels, height, width, bitDepth, alphaBytes) { IccProfile = profile };
    }

    /// <summary>Smooth colour, for formats with loss.</summary>
    public static Picture Gradient(int channels, int height, int width, int bitDepth = 8)
    {
        float[] samples = new float[channels * height * width];
        for (int c = 0; c < channels; c++)
        {
            for (int y = 0; y < height; y++)
            {
                for (int x = 0; x < width; x++)
                {
                    samples[(((c * height) + y) * width) + x] = c == 0 ? (x + 0.5f) / width : c == 1 ? (y + 0.5f) / height : 0.4f;
                }
            }
        }

        return new Picture(samples, channels, height, width, bitDepth);
    }

    /// <summary>An interleaved 8-bit image for libvips to write in ways our own encoder does not.</summary>
    public static Image Vips(int seed, int width, int height, int bands)
    {
        byte[] data = new byte[width * height * bands];
        new Random(seed).NextBytes(data);
        ImageCodec.Initialise();
        return Image.NewFromMemoryCopy<byte>(data, width, height, bands, NvEnums.BandFormat.Uchar)
            .Copy(interpretation: bands < 3 ? NvEnums.Interpretation.Bw : NvEnums.Interpretation.Srgb);
    }

    public static byte[] Profile(string name)
    {
        ImageCodec.Initialise();
        return (byte[])Image.ProfileLoad(name);
    }

    /// <summary>The planes as whole steps of 8 bits.</summary>
    public static int[] Steps(Picture picture, int max = 255) => Array.ConvertAll(picture.Samples, v => (int)MathF.Round(v * max));

    /// <summary>The planes in steps of 8 bits of an interleaved libvips image.</summary>
    public static int[] Steps(Image image, int channels)
    {
        byte[] data = image.WriteToMemory<byte>();
        int plane = image.Width * image.Height;
        int[] steps = new int[plane * channels];
        for (int c = 0; c < channels; c++)
        {
            for (int i = 0; i < plane; i++)
            {
                steps[(c * plane) + i] = data[(i * image.Bands) + c];
            }
        }

        return steps;
    }

    public static double MeanDifference(Picture a, Picture b) => a.Samples.Zip(b.Samples, (x, y) => Math.Abs(x - y)).Average();

    /// <summary>A PNG of the given chunks; lengths and checksums are added, IEND too.</summary>
    public static byte[] Png(params (string Kind, byte[] Data)[] chunks)
    {
        using MemoryStream file = new();
        file.Write([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]);
        foreach ((string kind, byte[] data) in chunks.Append(("IEND", [])))
        {
            byte[] body = [.. System.Text.Encoding.ASCII.GetBytes(kind), .. data];
            file.Write(BigEndian((uint)data.Length));
            file.Write(body);
            file.Write(BigEndian(Crc(body)));
        }

        return file.ToArray();
    }

    public static (string Kind, byte[] Data) Ihdr(uint width, uint height, byte depth, byte colourType) =>
        ("IHDR", [.. BigEndian(width), .. BigEndian(height), depth, colourType, 0, 0, 0]);

    /// <summary>Rows that already begin with their filter byte.</summary>
    public static (string Kind, byte[] Data) Idat(params byte[][] rows)
    {
        using MemoryStream packed = new();
        using (ZLibStream zlib = new(packed, CompressionLevel.Optimal, true))
        {
            foreach (byte[] row in rows)
            {
                zlib.Write(row);
            }
        }

        return ("IDAT", packed.ToArray());
    }

    /// <summary>The smallest EXIF block that holds an orientation.</summary>
    public static byte[] Exif(int orientation) =>
        [.. "II*\0"u8, 8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, (byte)orientation, 0, 0, 0, 0, 0, 0, 0];

    public static byte[] BigEndian(uint value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return bytes;
    }

    private static uint Crc(byte[] bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte b in bytes)
        {
            crc ^= b;
            for (int k = 0; k < 8; k++)
            {
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xEDB88320 : crc >> 1;
            }
        }

        return ~crc;
    }
}
