namespace DenoiseService.Imaging.Tests;

public sealed class FuzzTests
{
    private static readonly DecodeLimits Small = new(1 << 20, 1, 2, 4000);

    public static TheoryData<string> Kinds => [.. Files.Keys];

    private static Dictionary<string, Func<byte[]>> Files => new()
    {
        ["png"] = () => ImageCodec.Encode(Samples.Noise(1, 3, 23, 31, 8, true, Samples.Profile("p3")), ImageFormat.Png),
        ["png16"] = () => ImageCodec.Encode(Samples.Noise(1, 1, 23, 31, 16), ImageFormat.Png),
        ["interlaced"] = () => Samples.File("interlaced.png"),
        ["jpeg"] = () => ImageCodec.Encode(Samples.Noise(1, 3, 23, 31, profile: Samples.Profile("p3")), ImageFormat.Jpeg),
        ["progressive"] = () => Samples.Vips(1, 31, 23, 3).JpegsaveBuffer(interlace: true),
        ["cmyk"] = () => Samples.File("cmyk.jpg"),
        ["webp"] = () => ImageCodec.Encode(Samples.Noise(1, 3, 23, 31, 8, true), ImageFormat.WebP, new EncodeOptions { Lossless = false }),
        ["webp-lossless"] = () => ImageCodec.Encode(Samples.Noise(1, 3, 23, 31, profile: Samples.Profile("p3")), ImageFormat.WebP),
        ["tiff"] = () => ImageCodec.Encode(Samples.Noise(1, 3, 23, 31, 16, true), ImageFormat.Tiff),
        ["tiff-tiles"] = () => Samples.Vips(1, 31, 23, 3).TiffsaveBuffer(tile: true, tileWidth: 16, tileHeight: 16, compression: NetVips.Enums.ForeignTiffCompression.Lzw),
        ["bmp8"] = () => ImageCodec.Encode(Samples.Noise(1, 1, 23, 31), ImageFormat.Bmp),
        ["bmp24"] = () => ImageCodec.Encode(Samples.Noise(1, 3, 23, 31, profile: Samples.Profile("p3")), ImageFormat.Bmp),
        ["bmp32"] = () => ImageCodec.Encode(Samples.Noise(1, 3, 23, 31, 8, true), ImageFormat.Bmp),
        ["avif"] = () => ImageCodec.Encode(Samples.Noise(1, 3, 23, 31, 8, true), ImageFormat.Avif),
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_file_cut_at_every_97th_byte_is_refused(string kind)
    {
        byte[] file = Files[kind]();
        int refused = 0, cuts = 0;
        for (int length = 0; length < file.Length; length += 97, cuts++)
        {
            refused += PictureOrRefusal(file.AsSpan(0, length).ToArray()) ? 0 : 1;
        }

        // The last cut may fall behind the last pixel; this bitmap ends with its profile, without which it is still a picture.
        Assert.InRange(refused, kind == "bmp24" ? cuts - 6 : cuts - 1, cuts);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_file_with_flipped_bytes_is_a_picture_or_refused(string kind)
    {
        byte[] file = Files[kind]();
        Random random = new(20_26);
        for (int round = 0; round < 300; round++)
        {
            byte[] damaged = (byte[])file.Clone();

            // Half of the damage in the first 200 bytes, where the headers are.
            for (int flips = random.Next(1, 6); flips > 0; flips--)
            {
                damaged[random.Next(flips % 2 == 0 ? damaged.Length : Math.Min(200, damaged.Length))] ^= (byte)random.Next(1, 256);
            }

            PictureOrRefusal(damaged);
        }
    }

    [Fact]
    public void Random_bytes_behind_every_signature_are_refused()
    {
        Random random = new(5);
        foreach (string kind in Files.Keys)
        {
            byte[] head = Files[kind]()[..24];
            for (int round = 0; round < 20; round++)
            {
                byte[] junk = new byte[random.Next(24, 600)];
                random.NextBytes(junk);
                head.CopyTo(junk, 0);
                PictureOrRefusal(junk);
            }
        }
    }

    /// <summary>Reads header and pixels; anything thrown but an ImagingException fails the test. Tells whether it was a picture.</summary>
    internal static bool PictureOrRefusal(byte[] file)
    {
        try
        {
            ImageHeader header = ImageCodec.ReadHeader(file, Small);
            Picture picture = ImageCodec.Decode(file, Small);
            Assert.Equal((header.Width, header.Height, header.ColourChannels), (picture.Width, picture.Height, picture.Channels));
            Assert.Equal((header.HasAlpha, header.BitDepth, header.HasIccProfile), (picture.HasAlpha, picture.BitDepth, !picture.IccProfile.IsEmpty));

            // What was read can be written, profile and all.
            ImageCodec.Encode(picture, ImageFormat.Png);
            return true;
        }
        catch (ImagingException error)
        {
            Assert.DoesNotContain("/home", error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("/tmp", error.Message, StringComparison.Ordinal);
            return false;
        }
    }
}
