using NetVips;
using NvEnums = NetVips.Enums;

namespace DenoiseService.Imaging.Tests;

public sealed class OrientationTests
{
    public static TheoryData<ImageFormat, int> Cases
    {
        get
        {
            TheoryData<ImageFormat, int> cases = [];
            foreach (ImageFormat format in (ImageFormat[])[ImageFormat.Png, ImageFormat.Jpeg, ImageFormat.WebP, ImageFormat.Tiff])
            {
                for (int value = 1; value <= 8; value++)
                {
                    cases.Add(format, value);
                }
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Orientation_is_applied_once_for_all_eight_values(ImageFormat format, int value)
    {
        // Four flat quarters, so that JPEG keeps them: left to right, top to bottom 0, 80, 160, 240.
        const int width = 48, height = 32;
        byte[] stored = new byte[width * height];
        for (int i = 0; i < stored.Length; i++)
        {
            stored[i] = (byte)((80 * (i % width / 24)) + (160 * (i / width / 16)));
        }

        byte[] file = Save(stored, width, height, format, value);
        ImageHeader header = ImageCodec.ReadHeader(file, Samples.Limits);
        Picture picture = ImageCodec.Decode(file, Samples.Limits);
        Assert.Equal(value >= 5 ? (height, width) : (width, height), (header.Width, header.Height));
        Assert.Equal((header.Width, header.Height), (picture.Width, picture.Height));
        AssertQuarters(picture, value);

        // Written and read again nothing turns a second time.
        Picture again = ImageCodec.Decode(ImageCodec.Encode(picture, format), Samples.Limits);
        Assert.Equal((picture.Width, picture.Height), (again.Width, again.Height));
        AssertQuarters(again, value);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void Every_pixel_of_colour_and_alpha_goes_where_libvips_puts_it(int value)
    {
        // Large enough for several bands of rows, of odd size so that the last band is short.
        Image source = Samples.Vips(value, 517, 611, 4);
        byte[] file = source.Mutate(m => m.Set(GValue.GIntType, "orientation", value)).TiffsaveBuffer();
        Picture picture = ImageCodec.Decode(file, Samples.Limits);
        Image upright = Image.NewFromBuffer(file).Autorot();
        Assert.Equal(Samples.Steps(upright, 3), Samples.Steps(picture));
        Assert.Equal(upright[3].WriteToMemory<byte>(), picture.Alpha);
    }

    [Fact]
    public void Orientation_of_a_png_is_read_from_its_exif_chunk()
    {
        byte[] file = Samples.Png(Samples.Ihdr(2, 1, 8, 0), ("eXIf", Samples.Exif(6)), Samples.Idat([0, 10, 20]));
        Picture picture = ImageCodec.Decode(file, Samples.Limits);
        Assert.Equal((1, 2), (picture.Width, picture.Height));
        Assert.Equal([10, 20], Samples.Steps(picture));
    }

    [Fact]
    public void Resolution_turns_with_the_picture()
    {
        byte[] file = Samples.Vips(1, 6, 4, 3).Copy(xres: 10, yres: 20).Mutate(m => m.Set(GValue.GIntType, "orientation", 6)).TiffsaveBuffer();
        Picture picture = ImageCodec.Decode(file, Samples.Limits);
        Assert.Equal((20, 10), (Math.Round(picture.ResolutionX, 3), Math.Round(picture.ResolutionY, 3)));
    }

    [Fact]
    public void Orientations_outside_1_to_8_mean_upright()
    {
        byte[] file = Samples.Png(Samples.Ihdr(2, 1, 8, 0), ("eXIf", Samples.Exif(99)), Samples.Idat([0, 10, 20]));
        Assert.Equal([10, 20], Samples.Steps(ImageCodec.Decode(file, Samples.Limits)));
    }

    private static byte[] Save(byte[] stored, int width, int height, ImageFormat format, int value)
    {
        ImageCodec.Initialise();
        Image image = Image.NewFromMemoryCopy<byte>(stored, width, height, 1, NvEnums.BandFormat.Uchar)
            .Copy(interpretation: NvEnums.Interpretation.Bw)
            .Mutate(m => m.Set(GValue.GIntType, "orientation", value));
        return format switch
        {
            ImageFormat.Png => image.PngsaveBuffer(),
            ImageFormat.Jpeg => image.JpegsaveBuffer(q: 95),
            ImageFormat.WebP => image.WebpsaveBuffer(lossless: true),
            _ => image.TiffsaveBuffer(),
        };
    }

    /// <summary>The definition of the EXIF standard: where the stored first row and first column are seen.</summary>
    private static void AssertQuarters(Picture picture, int value)
    {
        (string row0, string column0) = value switch
        {
            1 => ("top", "left"),
            2 => ("top", "right"),
            3 => ("bottom", "right"),
            4 => ("bottom", "left"),
            5 => ("left", "top"),
            6 => ("right", "top"),
            7 => ("right", "bottom"),
            _ => ("left", "bottom"),
        };
        foreach ((bool right, bool bottom) in ((bool, bool)[])[(false, false), (true, false), (false, true), (true, true)])
        {
            bool In(string side) => side switch { "top" => !bottom, "bottom" => bottom, "left" => !right, _ => right };
            int expected = (In(column0) ? 0 : 80) + (In(row0) ? 0 : 160);
            int x = (picture.Width / 4) + (right ? picture.Width / 2 : 0);
            int y = (picture.Height / 4) + (bottom ? picture.Height / 2 : 0);
            Assert.InRange(picture.Samples[(y * picture.Width) + x] * 255, expected - 3, expected + 3);
        }
    }
}
