namespace DenoiseService.Imaging.Tests;

public sealed class AlphaTests
{
    public static TheoryData<ImageFormat, int, int> Exact => new()
    {
        { ImageFormat.Png, 8, 3 },
        { ImageFormat.Png, 16, 3 },
        { ImageFormat.Png, 8, 1 },
        { ImageFormat.Png, 16, 1 },
        { ImageFormat.Tiff, 8, 3 },
        { ImageFormat.Tiff, 16, 3 },
        { ImageFormat.Tiff, 16, 1 },
        { ImageFormat.Bmp, 8, 3 },
        { ImageFormat.WebP, 8, 3 },
    };

    [Theory]
    [MemberData(nameof(Exact))]
    public void Alpha_and_the_colour_under_alpha_0_stay_bit_for_bit_whatever_the_denoiser_does(ImageFormat format, int bits, int channels)
    {
        Picture made = Samples.Noise(5, channels, 33, 47, bits, true);
        int max = bits == 16 ? 65535 : 255;
        int[] before = Samples.Steps(made, max);
        Picture read = ImageCodec.Decode(ImageCodec.Encode(made, format), Samples.Limits);
        Assert.Equal(before, Samples.Steps(read, max));
        Assert.Equal(made.Alpha, read.Alpha);

        for (int i = 0; i < read.Samples.Length; i++)
        {
            read.Samples[i] = 1 - read.Samples[i];
        }

        Picture denoised = ImageCodec.Decode(ImageCodec.Encode(read, format), Samples.Limits);
        Assert.Equal(made.Alpha, denoised.Alpha);
        int[] after = Samples.Steps(denoised, max);
        int plane = 33 * 47;
        for (int i = 0; i < after.Length; i++)
        {
            bool hidden = made.Alpha.AsSpan(i % plane * (bits / 8), bits / 8).IndexOfAnyExcept((byte)0) < 0;
            Assert.Equal(hidden ? before[i] : max - before[i], after[i]);
        }
    }

    [Theory]
    [InlineData(ImageFormat.WebP)]
    [InlineData(ImageFormat.Avif)]
    public void Alpha_survives_coding_with_loss(ImageFormat format)
    {
        Picture made = Samples.Noise(6, 3, 32, 32, 8, true);
        Picture read = ImageCodec.Decode(ImageCodec.Encode(made, format, new EncodeOptions { Lossless = false }), Samples.Limits);
        Assert.True(read.HasAlpha);
        if (format == ImageFormat.WebP)
        {
            Assert.Equal(made.Alpha, read.Alpha);
        }
    }

    [Theory]
    [InlineData(8)]
    [InlineData(16)]
    public void Jpeg_has_no_alpha_and_gets_the_picture_on_white(int bits)
    {
        byte[] clear = new byte[64 * (bits / 8)];
        Picture red = new([.. Enumerable.Repeat(1f, 64), .. new float[128]], 3, 8, 8, bits, clear);
        Picture read = ImageCodec.Decode(ImageCodec.Encode(red, ImageFormat.Jpeg), Samples.Limits);
        Assert.False(read.HasAlpha);
        Assert.All(read.Samples, v => Assert.InRange(v, 0.99f, 1f));
    }

    [Fact]
    public void Alpha_of_16_bits_is_rounded_to_8_where_the_format_has_no_more()
    {
        byte[] alpha = new byte[6];
        BitConverter.TryWriteBytes(alpha, (ushort)65535);
        BitConverter.TryWriteBytes(alpha.AsSpan(2), (ushort)(128 * 257));
        BitConverter.TryWriteBytes(alpha.AsSpan(4), (ushort)0);
        Picture picture = new(new float[9], 3, 1, 3, 16, alpha);
        Assert.Equal([255, 128, 0], ImageCodec.Decode(ImageCodec.Encode(picture, ImageFormat.Bmp), Samples.Limits).Alpha!);
    }
}
