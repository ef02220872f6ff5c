using NetVips;
using NvEnums = NetVips.Enums;

namespace DenoiseService.Imaging.Tests;

public sealed class VariantTests
{
    [Fact]
    public void Interlaced_png_gives_the_same_pixels() =>
        Assert.Equal(Pixels("source.png"), Pixels("interlaced.png"));

    [Fact]
    public void Palette_png_gives_its_colours() => Assert.Equal(Pixels("palette24.png"), Pixels("palette.png"));

    [Fact]
    public void One_bit_png_is_black_and_white_grey()
    {
        byte[] file = Samples.Png(Samples.Ihdr(10, 2, 1, 0), Samples.Idat([0, 0b10100000, 0b01000000], [0, 0b01010101, 0b11000000]));
        Picture picture = ImageCodec.Decode(file, Samples.Limits);
        Assert.Equal((1, 8), (picture.Channels, picture.BitDepth));
        Assert.Equal([255, 0, 255, 0, 0, 0, 0, 0, 0, 255, 0, 255, 0, 255, 0, 255, 0, 255, 255, 255], Samples.Steps(picture));
    }

    [Fact]
    public void Two_bit_grey_png_is_spread_to_the_full_range()
    {
        byte[] file = Samples.Png(Samples.Ihdr(4, 1, 2, 0), Samples.Idat([0, 0b00011011]));
        Assert.Equal([0, 85, 170, 255], Samples.Steps(ImageCodec.Decode(file, Samples.Limits)));
    }

    [Fact]
    public void Transparent_colour_of_a_png_becomes_alpha()
    {
        byte[] grey = Samples.Png(Samples.Ihdr(3, 1, 8, 0), ("tRNS", [0, 7]), Samples.Idat([0, 7, 8, 9]));
        Picture picture = ImageCodec.Decode(grey, Samples.Limits);
        Assert.Equal(1, picture.Channels);
        Assert.Equal([7, 8, 9], Samples.Steps(picture));
        Assert.Equal([0, 255, 255], picture.Alpha!);

        byte[] palette = Samples.Png(Samples.Ihdr(2, 1, 8, 3), ("PLTE", [1, 2, 3, 4, 5, 6]), ("tRNS", [128]), Samples.Idat([0, 0, 1]));
        picture = ImageCodec.Decode(palette, Samples.Limits);
        Assert.Equal([1, 4, 2, 5, 3, 6], Samples.Steps(picture));
        Assert.Equal([128, 255], picture.Alpha!);
        Assert.True(ImageCodec.ReadHeader(palette, Samples.Limits).HasAlpha);
    }

    [Fact]
    public void Cmyk_jpeg_becomes_rgb_near_the_picture_it_was_made_from()
    {
        ImageHeader header = ImageCodec.ReadHeader(Samples.File("cmyk.jpg"), Samples.Limits);
        Assert.Equal((3, false, 8), (header.ColourChannels, header.HasAlpha, header.BitDepth));
        Picture cmyk = ImageCodec.Decode(Samples.File("cmyk.jpg"), Samples.Limits);
        Picture rgb = ImageCodec.Decode(Samples.File("source.png"), Samples.Limits);
        Assert.Equal(rgb.Samples.Length, cmyk.Samples.Length);

        // Without a profile the ink is a guess: a picture that was inverted would be off by more than 0.4.
        Assert.InRange(Samples.MeanDifference(rgb, cmyk), 0, 0.2);
    }

    [Fact]
    public void Cmyk_with_a_profile_is_converted_by_it_and_the_profile_dropped()
    {
        Image rgb = Samples.Vips(1, 16, 16, 3).Gaussblur(3);
        byte[] file = rgb.IccTransform("cmyk", inputProfile: "srgb").JpegsaveBuffer(q: 95);
        Picture picture = ImageCodec.Decode(file, Samples.Limits);
        Assert.True(picture.IccProfile.IsEmpty);
        Assert.InRange(Samples.Steps(picture).Zip(Samples.Steps(rgb, 3), (a, b) => Math.Abs(a - b)).Average(), 0, 6);
    }

    [Theory]
    [InlineData(NvEnums.Interpretation.Lab)]
    [InlineData(NvEnums.Interpretation.Labs)]
    public void Lab_tiff_becomes_16_bit_rgb(NvEnums.Interpretation space)
    {
        Image rgb = Samples.Vips(1, 16, 16, 3);
        byte[] file = rgb.Colourspace(space).TiffsaveBuffer();
        Picture picture = ImageCodec.Decode(file, Samples.Limits);
        Assert.Equal((3, 16), (picture.Channels, picture.BitDepth));
        Assert.InRange(Samples.Steps(picture).Zip(Samples.Steps(rgb, 3), (a, b) => Math.Abs(a - b)).Average(), 0, 1.5);
    }

    [Theory]
    [InlineData(NvEnums.BandFormat.Float)]
    [InlineData(NvEnums.BandFormat.Uint)]
    [InlineData(NvEnums.BandFormat.Char)]
    public void Tiff_samples_that_are_not_8_or_16_bit_numbers_are_refused_clearly(NvEnums.BandFormat format)
    {
        byte[] file = Samples.Vips(1, 8, 8, 3).Cast(format).TiffsaveBuffer();
        UnsupportedImageException error = Assert.Throws<UnsupportedImageException>(() => ImageCodec.ReadHeader(file, Samples.Limits));
        Assert.Contains(format.ToString(), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Tiff_of_too_many_channels_is_refused_clearly()
    {
        byte[] file = Image.Black(8, 8, bands: 7).TiffsaveBuffer();
        Assert.Contains("7 channels", Assert.Throws<UnsupportedImageException>(() => ImageCodec.Decode(file, Samples.Limits)).Message, StringComparison.Ordinal);
    }

    public static TheoryData<NvEnums.ForeignTiffCompression, bool> TiffKinds => new()
    {
        { NvEnums.ForeignTiffCompression.None, false },
        { NvEnums.ForeignTiffCompression.Lzw, true },
        { NvEnums.ForeignTiffCompression.Deflate, true },
        { NvEnums.ForeignTiffCompression.Packbits, false },
    };

    [Theory]
    [MemberData(nameof(TiffKinds))]
    public void Tiff_in_strips_and_tiles_and_usual_compressions_is_exact(NvEnums.ForeignTiffCompression compression, bool tile)
    {
        Image image = Samples.Vips(1, 300, 200, 3);
        byte[] file = image.TiffsaveBuffer(compression: compression, tile: tile);
        Assert.Equal(Samples.Steps(image, 3), Samples.Steps(ImageCodec.Decode(file, Samples.Limits)));
    }

    [Fact]
    public void One_bit_tiff_is_black_and_white_grey()
    {
        byte[] file = Samples.Vips(1, 20, 10, 1).Relational(Samples.Vips(2, 20, 10, 1), NvEnums.OperationRelational.More).TiffsaveBuffer(bitdepth: 1);
        Picture picture = ImageCodec.Decode(file, Samples.Limits);
        Assert.Equal(1, picture.Channels);
        Assert.Equal([0, 255], Samples.Steps(picture).Distinct().Order());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Progressive_and_baseline_jpeg_are_what_libvips_decodes(bool progressive)
    {
        byte[] file = Samples.Vips(1, 61, 47, 3).JpegsaveBuffer(q: 90, interlace: progressive);
        Assert.Equal(Samples.Steps(Image.NewFromBuffer(file), 3), Samples.Steps(ImageCodec.Decode(file, Samples.Limits)));
    }

    [Fact]
    public void Location_and_all_other_metadata_are_dropped()
    {
        byte[] file = Samples.Vips(1, 16, 16, 3).Copy(xres: 11.811, yres: 11.811)
            .Mutate(m =>
            {
                m.Set(GValue.GStrType, "exif-ifd3-GPSLatitude", "52/1 31/1 12/1");
                m.Set(GValue.GStrType, "exif-ifd0-Copyright", "somebody");
                m.Set(GValue.BlobType, "xmp-data", System.Text.Encoding.UTF8.GetBytes("<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"));
            }).JpegsaveBuffer();
        Assert.Contains("exif-ifd3-GPSLatitude", Image.NewFromBuffer(file).GetFields());
        foreach (ImageFormat format in ImageFormats.All.Where(format => format != ImageFormat.Bmp))
        {
            byte[] written = ImageCodec.Encode(ImageCodec.Decode(file, Samples.Limits), format);
            string[] fields = Image.NewFromBuffer(written).GetFields();
            Assert.DoesNotContain(fields, name => name.StartsWith("exif-ifd3", StringComparison.Ordinal) || name.Contains("Copyright", StringComparison.Ordinal) || name.StartsWith("xmp", StringComparison.Ordinal));
        }

    }

    [Theory]
    [InlineData(ImageFormat.Png)]
    [InlineData(ImageFormat.Jpeg)]
    [InlineData(ImageFormat.Tiff)]
    [InlineData(ImageFormat.Bmp)]
    public void Resolution_survives(ImageFormat format)
    {
        Picture made = Samples.Gradient(3, 16, 16);
        Picture printed = new(made.Samples, 3, 16, 16) { ResolutionX = 11.811, ResolutionY = 5.9055 };
        Picture read = ImageCodec.Decode(ImageCodec.Encode(printed, format), Samples.Limits);
        Assert.InRange(read.ResolutionX, 11.7, 11.9);
        Assert.InRange(read.ResolutionY, 5.85, 5.95);
    }

    private static int[] Pixels(string name) => Samples.Steps(ImageCodec.Decode(Samples.File(name), Samples.Limits));
}
