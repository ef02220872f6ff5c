using DenoiseService.Imaging;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Pictures;

/// <summary>
/// The codec with the service's limits. Only so many pictures are decoded, encoded or otherwise worked on at one time: the processor has no more to give, and the
/// threads that take and refuse requests must stay free.
/// </summary>
internal sealed class Codec(IOptions<ImageOptions> options) : IDisposable
{
    private readonly DecodeLimits _limits = options.Value.ToLimits();
    private readonly SemaphoreSlim _free = new(options.Value.MaxConcurrentCodecs);

    /// <summary>Reads the header only; quick.</summary>
    public ImageHeader ReadHeader(ReadOnlyMemory<byte> file) => ImageCodec.ReadHeader(file, _limits);

    /// <param name="file">The picture's bytes.</param>
    /// <param name="clock">The request's.</param>
    /// <param name="look">Sees the pixels in the same turn.</param>
    public Task<Picture> DecodeAsync(ReadOnlyMemory<byte> file, RequestClock clock, Action<Picture>? look = null) => RunAsync("decode", clock, () =>
    {
        Picture picture = ImageCodec.Decode(file, _limits, clock.Token);
        look?.Invoke(picture);
        return picture;
    });

    public Task<byte[]> EncodeAsync(Picture picture, ImageFormat format, OutputColor color, RequestClock clock) => EncodeAsync(() => picture, format, color, clock);

    /// <summary>The same for a picture that has to be drawn first, in the same turn.</summary>
    public Task<byte[]> EncodeAsync(Func<Picture> draw, ImageFormat format, OutputColor color, RequestClock clock) =>
        RunAsync("encode", clock, () => ImageCodec.Encode(draw(), format, new EncodeOptions { Quality = options.Value.Quality, Color = color }, clock.Token));

    /// <summary>Any work that takes the processor for as long as a picture is large, when it is its turn.</summary>
    /// <param name="step">What the request's timings call it.</param>
    /// <param name="clock">The request's: past its end nothing begins.</param>
    /// <param name="work">What to do.</param>
    public async Task<T> RunAsync<T>(string step, RequestClock clock, Func<T> work)
    {
        await _free.WaitAsync(clock.Token);
        try
        {
            return clock.Measure(step, work);
        }
        finally
        {
            _free.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _free.Dispose();
}
