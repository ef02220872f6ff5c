using System.Diagnostics;
using System.IO.Compression;
using NetVips;
using NvEnums = NetVips.Enums;

namespace DenoiseService.Imaging.Tests;

/// <summary>Time and memory of the process are measured: nothing else may run beside these.</summary>
[CollectionDefinition(nameof(BombTests), DisableParallelization = true)]
public sealed class Alone;

[Collection(nameof(BombTests))]
public sealed class BombTests
{
    [Fact]
    public void A_30_kB_png_declaring_50000_by_50000_is_refused_in_50_ms_with_flat_memory()
    {
        byte[] bomb = Samples.Png(Samples.Ihdr(50_000, 50_000, 8, 2), ("IDAT", Zeros(30_000)));
        Assert.InRange(bomb.Length, 25_000, 35_000);
        DecodeLimits sides = Samples.Limits with { MaxSide = 100_000 };
        ImageCodec.ReadHeader(ImageCodec.Encode(Samples.Gradient(3, 8, 8), ImageFormat.Png), Samples.Limits);
        long before = Process.GetCurrentProcess().PrivateMemorySize64;
        foreach (Action act in (Action[])[() => ImageCodec.ReadHeader(bomb, sides), () => ImageCodec.Decode(bomb, sides)])
        {
            // The quickest of three, since the machine has other work to do.
            ImageTooLargeException error = Assert.Throws<ImageTooLargeException>(act);
            long quickest = long.MaxValue;
            for (int i = 0; i < 3; i++)
            {
                Stopwatch watch = Stopwatch.StartNew();
                Assert.Throws<ImageTooLargeException>(act);
                quickest = Math.Min(quickest, watch.ElapsedMilliseconds);
            }

            Assert.InRange(quickest, 0, 50);
            Assert.Equal(("megapixels", 50.0, 2500.0), (error.Limit, error.Allowed, error.Actual));
            Assert.Contains("2500", error.Message, StringComparison.Ordinal);
        }

        Assert.InRange(Process.GetCurrentProcess().PrivateMemorySize64 - before, long.MinValue, 64 << 20);
    }

    public static TheoryData<ImageFormat> Every => [.. ImageFormats.All];

    [Theory]
    [MemberData(nameof(Every))]
    public void Each_limit_is_named_with_its_value_for_every_format(ImageFormat format)
    {
        byte[] file = ImageCodec.Encode(Samples.Gradient(3, 40, 60), format);
        ImageCodec.Decode(file, new DecodeLimits(file.Length, 0.0024, 1, 60));
        AssertRefused(file, Samples.Limits with { MaxBytes = file.Length - 1 }, "bytes", file.Length);
        AssertRefused(file, Samples.Limits with { MaxMegapixels = 0.0023 }, "megapixels", 0.0024);
        AssertRefused(file, Samples.Limits with { MaxSide = 59 }, "side", 60);
        AssertRefused(file, Samples.Limits with { MaxFrames = 0 }, "frames", 1);
    }

    [Theory]
    [InlineData(0x7FFFFFFFu, 0x7FFFFFFFu)]
    [InlineData(0xFFFFFFFFu, 1u)]
    public void Sizes_beyond_any_library_are_refused_as_too_large(uint width, uint height) =>
        AssertRefused(Samples.Png(Samples.Ihdr(width, height, 8, 2)), Samples.Limits, "side", width);

    [Fact]
    public void No_limit_lets_a_picture_through_that_one_array_cannot_hold()
    {
        DecodeLimits none = new(long.MaxValue, double.PositiveInfinity, int.MaxValue, int.MaxValue);
        AssertRefused(Samples.Png(Samples.Ihdr(60_000, 60_000, 8, 2)), none, "megapixels", 3600);
    }

    [Theory]
    [InlineData(0u, 5u)]
    [InlineData(5u, 0u)]
    public void Pictures_without_pixels_are_refused(uint width, uint height)
    {
        Assert.Throws<CorruptImageException>(() => ImageCodec.ReadHeader(Samples.Png(Samples.Ihdr(width, height, 8, 2)), Samples.Limits));
        byte[] bmp = ImageCodec.Encode(Samples.Gradient(3, 5, 5), ImageFormat.Bmp);
        bmp[18] = (byte)width;
        bmp[22] = (byte)height;
        Assert.Throws<CorruptImageException>(() => ImageCodec.ReadHeader(bmp, Samples.Limits));
    }

    [Fact]
    public void Jpeg_declaring_65500_squared_is_refused_from_the_header()
    {
        byte[] file = ImageCodec.Encode(Samples.Gradient(3, 40, 60), ImageFormat.Jpeg);
        int frame = file.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xC0]);
        ((ReadOnlySpan<byte>)[0xFF, 0xDC, 0xFF, 0xDC]).CopyTo(file.AsSpan(frame + 5));
        AssertRefused(file, Samples.Limits with { MaxSide = 70_000 }, "megapixels", 65_500.0 * 65_500 / 1e6);
    }

    [Theory]
    [InlineData("webp")]
    [InlineData("tiff")]
    [InlineData("apng")]
    public void More_frames_than_allowed_are_refused_and_the_first_is_decoded_when_they_are_allowed(string kind)
    {
        Image first = Samples.Vips(1, 12, 10, 3);
        Image film = first.Join(Samples.Vips(2, 12, 10, 3), NvEnums.Direction.Vertical).Mutate(m => m.Set(GValue.GIntType, "page-height", 10));
        byte[] file = kind switch
        {
            "webp" => film.WebpsaveBuffer(lossless: true),
            "tiff" => film.TiffsaveBuffer(),
            _ => Animated(first.PngsaveBuffer(), 2),
        };
        AssertRefused(file, Samples.Limits, "frames", 2);
        DecodeLimits two = Samples.Limits with { MaxFrames = 2 };
        Picture picture = ImageCodec.Decode(file, two);
        Assert.Equal((12, 10), (picture.Width, picture.Height));
        Assert.Equal(Samples.Steps(first, 3), Samples.Steps(picture));
        Assert.Equal(kind == "apng" ? 1 : 2, ImageCodec.ReadHeader(file, two).Frames);
        Assert.True(ImageCodec.ReadHeader(file, two).IsLossless);
    }

    [Fact]
    public void A_large_truncated_png_is_refused_in_one_line_without_a_path()
    {
        byte[] whole = ImageCodec.Encode(Samples.Noise(1, 3, 600, 800), ImageFormat.Png);
        CorruptImageException error = Assert.Throws<CorruptImageException>(() => ImageCodec.Decode(whole.AsMemory(0, whole.Length / 2), Samples.Limits));
        Assert.DoesNotContain("/", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("\n", error.Message, StringComparison.Ordinal);
    }

    private static void AssertRefused(byte[] file, DecodeLimits limits, string limit, double actual)
    {
        foreach (Action act in (Action[])[() => ImageCodec.ReadHeader(file, limits), () => ImageCodec.Decode(file, limits)])
        {
            ImageTooLargeException error = Assert.Throws<ImageTooLargeException>(act);
            Assert.Equal((limit, actual), (error.Limit, error.Actual));
        }
    }

    private static byte[] Animated(byte[] png, byte frames)
    {
        // acTL goes right behind IHDR; no reader here checks that the frames really follow.
        byte[] control = Samples.Png(("acTL", [0, 0, 0, frames, 0, 0, 0, 0]));
        return [.. png[..33], .. control[8..28], .. png[33..]];
    }

    private static byte[] Zeros(int packedLength)
    {
        using MemoryStream packed = new();
        using (ZLibStream zlib = new(packed, CompressionLevel.Optimal, true))
        {
            byte[] block = new byte[1 << 20];
            while (packed.Length < packedLength)
            {
                zlib.Write(block);
                zlib.Flush();
            }
        }

        return packed.ToArray();
    }
}
