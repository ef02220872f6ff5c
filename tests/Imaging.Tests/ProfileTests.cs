using System.Buffers.Binary;
using NetVips;
using NvEnums = NetVips.Enums;

namespace DenoiseService.Imaging.Tests;

public sealed class ProfileTests
{
    public static TheoryData<ImageFormat> Every => [.. ImageFormats.All];

    [Theory]
    [MemberData(nameof(Every))]
    public void A_display_p3_profile_survives_byte_for_byte(ImageFormat format)
    {
        byte[] p3 = Samples.Profile("p3");
        byte[] file = ImageCodec.Encode(Samples.Noise(1, 3, 16, 24, profile: p3), format);
        Assert.True(ImageCodec.ReadHeader(file, Samples.Limits).HasIccProfile);
        Picture picture = ImageCodec.Decode(file, Samples.Limits);
        Assert.Equal(p3, picture.IccProfile.ToArray());

        // And from format to format.
        foreach (ImageFormat other in ImageFormats.All)
        {
            Assert.Equal(p3, ImageCodec.Decode(ImageCodec.Encode(picture, other), Samples.Limits).IccProfile.ToArray());
        }
    }

    [Theory]
    [InlineData(8)]
    [InlineData(16)]
    public void Srgb_converts_the_values_and_drops_the_profile(int bits)
    {
        // A middling red in P3 is a stronger one in sRGB: the reference values are of the two standards' matrices.
        float[] samples = [0.5f, 0.3f, 0.3f];
        Picture picture = new(samples, 3, 1, 1, bits) { IccProfile = Samples.Profile("p3") };
        Picture srgb = ImageCodec.Decode(ImageCodec.Encode(picture, ImageFormat.Png, new EncodeOptions { Color = OutputColor.Srgb }), Samples.Limits);
        Assert.True(srgb.IccProfile.IsEmpty);
        Assert.Equal(bits, srgb.BitDepth);
        float[] expected = P3ToSrgb(samples);
        for (int c = 0; c < 3; c++)
        {
            Assert.InRange(srgb.Samples[c], expected[c] - 0.006f, expected[c] + 0.006f);
        }
    }

    [Fact]
    public void Srgb_leaves_a_picture_without_profile_and_all_alpha_alone()
    {
        EncodeOptions options = new() { Color = OutputColor.Srgb };
        Picture plain = Samples.Noise(3, 3, 9, 7);
        Assert.Equal(Samples.Steps(plain), Samples.Steps(ImageCodec.Decode(ImageCodec.Encode(plain, ImageFormat.Png, options), Samples.Limits)));
        Picture clear = Samples.Noise(3, 3, 9, 7, 16, true, Samples.Profile("p3"));
        Assert.Equal(clear.Alpha, ImageCodec.Decode(ImageCodec.Encode(clear, ImageFormat.Png, options), Samples.Limits).Alpha);
    }

    [Fact]
    public void A_profile_that_contradicts_the_pixels_is_left_out()
    {
        byte[] p3 = Samples.Profile("p3");
        Assert.True(IccProfile.Fits(p3, 3));
        Assert.False(IccProfile.Fits(p3, 1));
        Assert.False(IccProfile.Fits(p3.AsSpan(0, p3.Length - 1), 3));
        Assert.False(IccProfile.Fits([], 3));
        byte[] file = Samples.Vips(1, 8, 8, 1).Mutate(m => m.Set(GValue.BlobType, "icc-profile-data", p3)).JpegsaveBuffer(keep: NvEnums.ForeignKeep.Icc);
        Assert.False(ImageCodec.ReadHeader(file, Samples.Limits).HasIccProfile);
    }

    [Fact]
    public void A_grey_picture_with_a_grey_profile_stays_grey_in_srgb()
    {
        Picture picture = Samples.Gradient(1, 8, 64);
        Picture profiled = new(picture.Samples, 1, 8, 64) { IccProfile = GreyProfile() };
        Picture kept = ImageCodec.Decode(ImageCodec.Encode(profiled, ImageFormat.Png), Samples.Limits);
        Assert.Equal(profiled.IccProfile.ToArray(), kept.IccProfile.ToArray());
        Picture srgb = ImageCodec.Decode(ImageCodec.Encode(profiled, ImageFormat.Png, new EncodeOptions { Color = OutputColor.Srgb }), Samples.Limits);
        Assert.Equal((1, true), (srgb.Channels, srgb.IccProfile.IsEmpty));

        // Gamma 1 in, sRGB out: a linear middle grey of 0.5 is 0.735.
        Assert.InRange(srgb.Samples[32], 0.72f, 0.76f);
    }

    [Theory]
    [MemberData(nameof(Every))]
    public void A_damaged_profile_is_kept_but_srgb_refuses_it(ImageFormat format)
    {
        EncodeOptions options = new() { Color = OutputColor.Srgb };
        Picture picture = ImageCodec.Decode(ImageCodec.Encode(Samples.Noise(1, 3, 16, 24, profile: DamagedProfile()), ImageFormat.Png), Samples.Limits);
        Assert.Equal(DamagedProfile(), picture.IccProfile.ToArray());
        Assert.Throws<CorruptImageException>(() => ImageCodec.CheckProfile(picture));
        Assert.Throws<CorruptImageException>(() => ImageCodec.Encode(picture, format, options));
        ImageCodec.CheckProfile(Samples.Noise(1, 3, 16, 24, profile: Samples.Profile("p3")));
        ImageCodec.CheckProfile(Samples.Noise(1, 3, 16, 24));
    }

    private static float[] P3ToSrgb(float[] p3)
    {
        double[] linear = Array.ConvertAll(p3, v => v <= 0.04045 ? v / 12.92 : Math.Pow((v + 0.055) / 1.055, 2.4));
        double[][] matrix = [[1.2249, -0.2247, 0], [-0.0420, 1.0419, 0], [-0.0197, -0.0786, 1.0979]];
        return Array.ConvertAll(matrix, row =>
        {
            double v = (row[0] * linear[0]) + (row[1] * linear[1]) + (row[2] * linear[2]);
            return (float)(v <= 0.0031308 ? v * 12.92 : (1.055 * Math.Pow(v, 1 / 2.4)) - 0.055);
        });
    }

    /// <summary>One whose red primary says that it is a curve.</summary>
    private static byte[] DamagedProfile()
    {
        byte[] profile = Samples.Profile("p3");
        int tag = 128 + profile.AsSpan(128).IndexOf("rXYZ"u8);
        "curv"u8.CopyTo(profile.AsSpan(BinaryPrimitives.ReadInt32BigEndian(profile.AsSpan(tag + 4))));
        return profile;
    }

    /// <summary>The smallest grey profile: a white point and a straight curve.</summary>
    private static byte[] GreyProfile()
    {
        byte[] white = [.. "XYZ "u8, 0, 0, 0, 0, 0, 0, 0xF6, 0xD6, 0, 1, 0, 0, 0, 0, 0xD3, 0x2D];
        byte[] curve = [.. "curv"u8, 0, 0, 0, 0, 0, 0, 0, 0];
        byte[] tags =
        [
            .. Samples.BigEndian(2),
            .. "wtpt"u8, .. Samples.BigEndian(128 + 28), .. Samples.BigEndian(20),
            .. "kTRC"u8, .. Samples.BigEndian(128 + 28 + 20), .. Samples.BigEndian(12),
            .. white, .. curve,
        ];
        byte[] header = new byte[128];
        Samples.BigEndian((uint)(128 + tags.Length)).CopyTo(header, 0);
        header[8] = 2;
        header[9] = 0x40;
        "mntrGRAYXYZ "u8.CopyTo(header.AsSpan(12));
        "acsp"u8.CopyTo(header.AsSpan(36));
        white.AsSpan(8).CopyTo(header.AsSpan(68));
        return [.. header, .. tags];
    }
}
