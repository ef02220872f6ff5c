using FsCheck;
using FsCheck.Xunit;

namespace DenoiseService.Imaging.Tests;

public sealed class RoundTripTests
{
    [Property(MaxTest = 150)]
    public bool Lossless_formats_return_every_sample_at_any_size(PositiveInt w, PositiveInt h, bool colour, bool wide, bool alpha, int seed)
    {
        int width = 1 + (w.Get * 7 % 150), height = 1 + (h.Get * 11 % 150);
        foreach (ImageFormat format in (ImageFormat[])[ImageFormat.Png, ImageFormat.Tiff, ImageFormat.Bmp, ImageFormat.WebP])
        {
            bool deep = wide && ImageFormats.MaxBitDepth(format) == 16;
            bool rgb = colour || format == ImageFormat.WebP || (alpha && format == ImageFormat.Bmp);
            Picture made = Samples.Noise(seed, rgb ? 3 : 1, height, width, deep ? 16 : 8, alpha);
            byte[] file = ImageCodec.Encode(made, format);
            Picture read = ImageCodec.Decode(file, Samples.Limits);

            // A WebP whose alpha is opaque everywhere is written without one.
            bool opaque = made.Alpha is { } a && !a.AsSpan().ContainsAnyExcept(byte.MaxValue);
            bool same = read.Samples.AsSpan().SequenceEqual(made.Samples)
                && (opaque || read.Alpha.AsSpan().SequenceEqual(made.Alpha))
                && (read.Width, read.Height, read.Channels, read.BitDepth, read.SourceFormat, read.IsSourceLossless)
                    == (width, height, made.Channels, made.BitDepth, format, true);
            ImageHeader header = ImageCodec.ReadHeader(file, Samples.Limits);
            same &= (header.Width, header.Height, header.ColourChannels, header.BitDepth) == (width, height, read.Channels, read.BitDepth);
            if (!same)
            {
                return false;
            }
        }

        return true;
    }

    [Property(MaxTest = 40)]
    public bool Formats_with_loss_stay_near_at_any_size(PositiveInt w, PositiveInt h, bool colour)
    {
        Picture made = Samples.Gradient(colour ? 3 : 1, 1 + (h.Get * 11 % 120), 1 + (w.Get * 7 % 120));
        return ((ImageFormat[])[ImageFormat.Jpeg, ImageFormat.WebP, ImageFormat.Avif]).All(format =>
        {
            Picture read = ImageCodec.Decode(ImageCodec.Encode(made, format, new EncodeOptions { Lossless = false }), Samples.Limits);
            int plane = made.Width * made.Height;

            // Lossy WebP halves the colour's resolution: over a few pixels little of a steep gradient is left.
            bool isSmallWebP = format == ImageFormat.WebP && Math.Min(made.Width, made.Height) < 16;
            double difference = Enumerable.Range(0, plane).Average(i => Math.Abs(made.Samples[i] - read.Samples[i]));
            return (read.Width, read.Height) == (made.Width, made.Height) && difference < (isSmallWebP ? 0.2 : 0.02);
        });
    }

    [Fact]
    public void Many_pictures_at_once_are_all_right()
    {
        ImageFormat[] formats = [ImageFormat.Png, ImageFormat.Tiff, ImageFormat.WebP, ImageFormat.Bmp];
        Parallel.For(0, 64, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i =>
        {
            Picture made = Samples.Noise(i, 3, 50 + i, 80);
            byte[] file = ImageCodec.Encode(made, formats[i % 4]);
            Assert.Equal(made.Samples, ImageCodec.Decode(file, Samples.Limits).Samples);
            Assert.Throws<CorruptImageException>(() => ImageCodec.Decode(file.AsMemory(0, file.Length / 2), Samples.Limits));
        });
    }

    [Fact]
    public void Cancelled_work_stops_with_OperationCanceledException()
    {
        Picture picture = Samples.Noise(1, 3, 400, 400);
        CancellationToken cancelled = new(true);
        foreach (ImageFormat format in ImageFormats.All)
        {
            byte[] file = ImageCodec.Encode(picture, format);
            Assert.Throws<OperationCanceledException>(() => ImageCodec.Decode(file, Samples.Limits, cancelled));
            Assert.Throws<OperationCanceledException>(() => ImageCodec.Encode(picture, format, null, cancelled));
        }
    }

    [Fact]
    public void Cancelling_while_a_large_png_is_written_stops_it()
    {
        Picture picture = Samples.Noise(1, 3, 3000, 3000);
        using CancellationTokenSource soon = new();
        // A thread of its own: a timer waits for the pool, which the other tests keep busy.
        var canceller = new Thread(() =>
        {
            Thread.Sleep(50);
            soon.Cancel();
        });
        canceller.Start();
        Assert.Throws<OperationCanceledException>(() => ImageCodec.Encode(picture, ImageFormat.Png, null, soon.Token));
        canceller.Join();
    }

    [Fact]
    public void A_side_the_format_cannot_hold_is_refused_with_the_limit()
    {
        Picture wide = new(new float[16_384], 1, 1, 16_384);
        ImageTooLargeException error = Assert.Throws<ImageTooLargeException>(() => ImageCodec.Encode(wide, ImageFormat.WebP));
        Assert.Equal(("side", 16_383.0, 16_384.0), (error.Limit, error.Allowed, error.Actual));
        Assert.NotEmpty(ImageCodec.Encode(wide, ImageFormat.Png));
    }

    [Fact]
    public void A_picture_of_a_wrong_shape_cannot_be_made()
    {
        Assert.Throws<ArgumentException>(() => new Picture(new float[5], 1, 2, 3));
        Assert.Throws<ArgumentException>(() => new Picture(new float[6], 2, 1, 3));
        Assert.Throws<ArgumentException>(() => new Picture(new float[6], 1, 2, 3, 12));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Picture([], 1, 0, 3));
    }
}
