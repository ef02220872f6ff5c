using System.Buffers.Binary;

namespace DenoiseService.Imaging.Tests;

public sealed class BmpTests
{
    [Theory]
    [InlineData("bmp1.bmp", "bmp1.png")]
    [InlineData("bmp4.bmp", "bmp4.png")]
    [InlineData("bmp8.bmp", "bmp8.png")]
    [InlineData("bmp24.bmp", "source.png")]
    [InlineData("bmp32v5.bmp", "source.png")]
    public void Files_of_another_program_are_read_as_it_reads_them(string bitmap, string reference)
    {
        Picture read = ImageCodec.Decode(Samples.File(bitmap), Samples.Limits);
        Picture expected = ImageCodec.Decode(Samples.File(reference), Samples.Limits);
        Assert.Equal(Colour(expected), Colour(read));
        Assert.Equal(bitmap.Contains("v5", StringComparison.Ordinal), read.HasAlpha);
        if (read.HasAlpha)
        {
            Assert.All(read.Alpha!, a => Assert.Equal(102, a));
        }
    }

    [Fact]
    public void Rows_may_run_down_or_up()
    {
        byte[] up = Build(2, 2, 24, 0, [1, 2, 3, 4, 5, 6, 0, 0, 7, 8, 9, 10, 11, 12, 0, 0]);
        byte[] down = Build(2, -2, 24, 0, [1, 2, 3, 4, 5, 6, 0, 0, 7, 8, 9, 10, 11, 12, 0, 0]);
        Assert.Equal([9, 12, 3, 6, 8, 11, 2, 5, 7, 10, 1, 4], Read(up));
        Assert.Equal([3, 6, 9, 12, 2, 5, 8, 11, 1, 4, 7, 10], Read(down));
    }

    [Fact]
    public void The_fourth_byte_of_plain_32_bits_is_not_alpha()
    {
        Picture picture = ImageCodec.Decode(Build(1, 1, 32, 0, [1, 2, 3, 77]), Samples.Limits);
        Assert.False(picture.HasAlpha);
        Assert.Equal([3, 2, 1], Samples.Steps(picture));
    }

    [Fact]
    public void Masks_say_where_the_channels_are()
    {
        Assert.Equal([0x11, 0x22, 0x33], Read(Build(1, 1, 32, 3, [0, 0x33, 0x22, 0x11], 0xFF000000, 0x00FF0000, 0x0000FF00)));

        // 5-6-5: full stays full, and the steps are spread evenly.
        Assert.Equal([255, 0, 0], Read(Build(1, 1, 16, 3, [0x00, 0xF8, 0, 0], 0xF800, 0x07E0, 0x001F)));
        Assert.Equal([0, 255, 132], Read(Build(1, 1, 16, 3, [0xF0, 0x07, 0, 0], 0xF800, 0x07E0, 0x001F)));

        // 5-5-5 is what 16 bits mean without masks.
        Assert.Equal([255, 0, 255], Read(Build(1, 1, 16, 0, [0x1F, 0x7C, 0, 0])));
    }

    [Fact]
    public void Alpha_masks_of_the_short_header_are_read()
    {
        Picture picture = ImageCodec.Decode(Build(1, 1, 32, 6, [1, 2, 3, 77], 0xFF0000, 0xFF00, 0xFF, 0xFF000000), Samples.Limits);
        Assert.Equal([77], picture.Alpha!);
        Assert.Equal([3, 2, 1], Samples.Steps(picture));
    }

    [Theory]
    [InlineData(0u, 0xFF00u, 0xFFu)]
    [InlineData(0xFF0000u, 0xFF00u, 0xFF00u)]
    [InlineData(0xF0F000u, 0x0F00u, 0xFFu)]
    public void Empty_overlapping_and_torn_masks_are_refused(uint red, uint green, uint blue) =>
        Assert.Throws<CorruptImageException>(() => Read(Build(1, 1, 32, 3, [1, 2, 3, 4], red, green, blue)));

    [Fact]
    public void Channels_of_10_bits_are_refused_clearly() =>
        Assert.Throws<UnsupportedImageException>(() => Read(Build(1, 1, 32, 3, [1, 2, 3, 4], 0x3FF00000, 0xFFC00, 0x3FF)));

    [Fact]
    public void Run_length_and_os2_files_are_refused_clearly()
    {
        Assert.Contains("RLE", Assert.Throws<UnsupportedImageException>(() => Read(Samples.File("bmprle.bmp"))).Message, StringComparison.Ordinal);
        Assert.Contains("OS/2", Assert.Throws<UnsupportedImageException>(() => Read(Samples.File("bmpos2.bmp"))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2, 0)]
    [InlineData(24, 3)]
    [InlineData(8, 4)]
    [InlineData(64, 0)]
    public void Other_codings_are_refused_clearly(int bits, int compression) =>
        Assert.Throws<UnsupportedImageException>(() => Read(Build(1, 1, bits, compression, new byte[64])));

    [Fact]
    public void A_file_one_byte_short_is_refused_and_a_longer_one_read()
    {
        byte[] file = ImageCodec.Encode(Samples.Noise(1, 3, 5, 7), ImageFormat.Bmp);
        Assert.Throws<CorruptImageException>(() => ImageCodec.ReadHeader(file.AsMemory(0, file.Length - 1), Samples.Limits));
        Assert.Equal(Read(file), Read([.. file, 1, 2, 3]));
    }

    [Fact]
    public void A_palette_index_outside_the_palette_is_refused()
    {
        byte[] file = ImageCodec.Encode(Samples.Noise(1, 1, 4, 4), ImageFormat.Bmp);
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(46), 2);
        Assert.Throws<CorruptImageException>(() => Read(file));
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(46), 0x40000001);
        Assert.Throws<CorruptImageException>(() => Read(file));
    }

    [Theory]
    [InlineData(18)]
    [InlineData(22)]
    [InlineData(10)]
    [InlineData(46)]
    [InlineData(28)]
    [InlineData(30)]
    public void Extreme_numbers_in_any_field_are_refused_or_read_but_never_crash(int at)
    {
        foreach (uint value in (uint[])[0, 1, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFFFFFF, 0xFFFF0000])
        {
            foreach (byte[] file in (byte[][])[ImageCodec.Encode(Samples.Noise(1, 1, 4, 4), ImageFormat.Bmp), ImageCodec.Encode(Samples.Noise(1, 3, 4, 4, 8, true), ImageFormat.Bmp)])
            {
                BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(at), value);
                FuzzTests.PictureOrRefusal(file);
            }
        }
    }

    [Fact]
    public void Grey_palette_makes_a_grey_picture_and_colour_palette_a_coloured_one()
    {
        byte[] file = ImageCodec.Encode(Samples.Noise(1, 1, 4, 4), ImageFormat.Bmp);
        Assert.Equal(1, ImageCodec.ReadHeader(file, Samples.Limits).ColourChannels);
        file[54] = 9;
        Assert.Equal(3, ImageCodec.ReadHeader(file, Samples.Limits).ColourChannels);
        Assert.Equal(3, ImageCodec.Decode(file, Samples.Limits).Channels);
    }

    private static int[] Read(byte[] file) => Samples.Steps(ImageCodec.Decode(file, Samples.Limits));

    private static int[] Colour(Picture picture) =>
        picture.Channels == 3 ? Samples.Steps(picture) : [.. Samples.Steps(picture), .. Samples.Steps(picture), .. Samples.Steps(picture)];

    private static byte[] Build(int width, int height, int bits, int compression, byte[] pixels, params uint[] masks)
    {
        int offset = 54 + (4 * masks.Length);
        byte[] file = new byte[offset + pixels.Length];
        "BM"u8.CopyTo(file);
        foreach ((int at, int value) in ((int, int)[])[(10, offset), (14, 40), (18, width), (22, height), (26, 1 | (bits << 16)), (30, compression)])
        {
            BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(at), value);
        }

        for (int i = 0; i < masks.Length; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(54 + (4 * i)), masks[i]);
        }

        pixels.CopyTo(file, offset);
        return file;
    }
}
