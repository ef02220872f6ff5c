using NetVips;

namespace DenoiseService.Imaging.Tests;

public sealed class DepthTests
{
    [Theory]
    [InlineData(ImageFormat.Png, 65536)]
    [InlineData(ImageFormat.Tiff, 65536)]
    [InlineData(ImageFormat.Avif, 2000)]
    public void A_16_bit_ramp_keeps_more_than_256_levels(ImageFormat format, int levels)
    {
        float[] ramp = Enumerable.Range(0, 65536).Select(v => v / 65535f).ToArray();
        Picture picture = new(ramp, 1, 256, 256, 16);
        Picture read = ImageCodec.Decode(ImageCodec.Encode(picture, format), Samples.Limits);
        Assert.Equal(16, read.BitDepth);
        Assert.InRange(Samples.Steps(read, 65535).Distinct().Count(), levels, 65536);
        if (levels == 65536)
        {
            Assert.Equal(ramp, read.Samples[..65536]);
        }
    }

    [Theory]
    [InlineData(ImageFormat.Png)]
    [InlineData(ImageFormat.Tiff)]
    [InlineData(ImageFormat.Bmp)]
    [InlineData(ImageFormat.WebP)]
    public void All_8_bit_values_come_back_exactly_and_grey_stays_grey(ImageFormat format)
    {
        float[] ramp = Enumerable.Range(0, 256).Select(v => v / 255f).ToArray();
        Picture read = ImageCodec.Decode(ImageCodec.Encode(new Picture(ramp, 1, 16, 16), format), Samples.Limits);
        Assert.Equal(ramp, read.Samples[..256]);
        Assert.Equal(8, read.BitDepth);
        Assert.Equal(format == ImageFormat.WebP ? 3 : 1, read.Channels);
    }

    [Fact]
    public void Grey_stays_grey_in_jpeg() =>
        Assert.Equal(1, ImageCodec.ReadHeader(ImageCodec.Encode(Samples.Gradient(1, 20, 20), ImageFormat.Jpeg), Samples.Limits).ColourChannels);

    [Theory]
    [InlineData(ImageFormat.Jpeg)]
    [InlineData(ImageFormat.WebP)]
    [InlineData(ImageFormat.Bmp)]
    public void A_16_bit_picture_is_rounded_once_where_the_format_has_8(ImageFormat format)
    {
        Picture picture = Samples.Gradient(3, 40, 60, 16);
        Picture read = ImageCodec.Decode(ImageCodec.Encode(picture, format), Samples.Limits);
        Assert.Equal(8, read.BitDepth);
        Assert.InRange(Samples.MeanDifference(picture, read), 0, format == ImageFormat.Jpeg ? 0.01 : 0.001);
    }

    [Fact]
    public void Samples_outside_0_to_1_are_clipped_and_nan_does_no_harm()
    {
        Picture picture = new([-5f, 0.5f, 1.5f, float.NaN, float.PositiveInfinity, float.NegativeInfinity], 1, 1, 6);
        int[] steps = Samples.Steps(ImageCodec.Decode(ImageCodec.Encode(picture, ImageFormat.Png), Samples.Limits));
        Assert.Equal([0, 128, 255, 0, 255, 0], steps);
    }

    [Fact]
    public void A_lossless_webp_stays_lossless_and_a_lossy_one_lossy()
    {
        Image source = Samples.Vips(8, 40, 30, 3);
        byte[] exact = source.WebpsaveBuffer(lossless: true);
        byte[] lossy = source.WebpsaveBuffer(q: 60);
        Assert.True(ImageCodec.ReadHeader(exact, Samples.Limits).IsLossless);
        Assert.False(ImageCodec.ReadHeader(lossy, Samples.Limits).IsLossless);
        byte[] exactAgain = ImageCodec.Encode(ImageCodec.Decode(exact, Samples.Limits), ImageFormat.WebP);
        byte[] lossyAgain = ImageCodec.Encode(ImageCodec.Decode(lossy, Samples.Limits), ImageFormat.WebP);
        Assert.True(ImageCodec.ReadHeader(exactAgain, Samples.Limits).IsLossless);
        Assert.False(ImageCodec.ReadHeader(lossyAgain, Samples.Limits).IsLossless);
        Assert.Equal(Samples.Steps(source, 3), Samples.Steps(ImageCodec.Decode(exactAgain, Samples.Limits)));
    }

    [Fact]
    public void A_lossless_webp_with_profile_is_still_known_as_lossless()
    {
        byte[] file = ImageCodec.Encode(Samples.Noise(1, 3, 10, 10, profile: Samples.Profile("p3")), ImageFormat.WebP);
        Assert.True(ImageCodec.ReadHeader(file, Samples.Limits).IsLossless);
    }

    [Fact]
    public void Lossless_avif_is_exact_at_8_bits()
    {
        Picture picture = Samples.Noise(2, 3, 24, 24);
        byte[] file = ImageCodec.Encode(picture, ImageFormat.Avif, new EncodeOptions { Lossless = true });
        Assert.Equal(Samples.Steps(picture), Samples.Steps(ImageCodec.Decode(file, Samples.Limits)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(101)]
    public void Quality_outside_1_to_100_is_refused(int quality) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => ImageCodec.Encode(Samples.Gradient(3, 8, 8), ImageFormat.Jpeg, new EncodeOptions { Quality = quality }));

    [Fact]
    public void Quality_decides_the_size_and_jpeg_is_written_without_subsampling()
    {
        Picture picture = Samples.Noise(1, 3, 64, 64);
        byte[] low = ImageCodec.Encode(picture, ImageFormat.Jpeg, new EncodeOptions { Quality = 30 });
        byte[] normal = ImageCodec.Encode(picture, ImageFormat.Jpeg);
        Assert.True(low.Length < normal.Length / 2);
        Assert.Equal("4:4:4", Image.NewFromBuffer(normal).Get("jpeg-chroma-subsample"));
    }
}
