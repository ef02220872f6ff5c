using System.Buffers.Binary;
using DenoiseService.Imaging;

namespace DenoiseService.Api.Tests.Support;

/// <summary>Pictures to send.</summary>
public static class Pictures
{
    public static readonly DecodeLimits NoLimits = new(long.MaxValue, 1e4, 100, 1_000_000);

    /// <summary>A colourful noisy picture.</summary>
    public static byte[] Encode(int height, int width, int channels = 3, int bitDepth = 8, ImageFormat format = ImageFormat.Png, int seed = 1) =>
        ImageCodec.Encode(Make(height, width, channels, bitDepth, seed), format);

    public static Picture Make(int height, int width, int channels = 3, int bitDepth = 8, int seed = 1)
    {
        var random = new Random(seed);
        var samples = new float[channels * height * width];
        for (int i = 0; i < samples.Length; i++)
        {
            int x = i % width, y = i / width % height;
            samples[i] = Math.Clamp((x + y) / (float)(height + width) + 0.2f * ((float)random.NextDouble() - 0.5f), 0, 1);
        }

        return new Picture(samples, channels, height, width, bitDepth);
    }

    public static Picture Decode(byte[] bytes) => ImageCodec.Decode(bytes, NoLimits);

    public static HttpContent Raw(byte[] bytes, string mediaType = "application/octet-stream")
    {
        var content = new ByteArrayContent(bytes);
        content.Headers.ContentType = new(mediaType);
        return content;
    }

    public static MultipartFormDataContent Form(byte[]? image, params (string Name, string Value)[] fields)
    {
        var form = new MultipartFormDataContent();
        if (image is not null) form.Add(Raw(image), "image", "photo.png");
        foreach ((string name, string value) in fields) form.Add(new StringContent(value), name);
        return form;
    }

    /// <summary>A PNG of a few bytes whose header declares any size.</summary>
    public static byte[] Bomb(int width, int height)
    {
        byte[] png = Encode(8, 8);
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(16), width);
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(20), height);
        BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan(29), Crc(png.AsSpan(12, 17)));
        return png;
    }

    // PNG's checksum of a chunk.
    private static uint Crc(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte b in bytes)
        {
            crc ^= b;
            for (int bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? 0xEDB88320 ^ crc >> 1 : crc >> 1;
        }

        return ~crc;
    }
}
