using DenoiseService.Imaging;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Pictures;

/// <summary>
/// The codec with the service's limits. Only so many pictures are decoded or encoded at one time: the processor has no more to give, and the
/// threads that take and refuse requests must stay free.
/// </summary>
internal sealed class Codec(IOptions<ImageOptions> options) : IDisposable
{
    private readonly DecodeLimits _limits = options.Value.ToLimits();
    private readonly SemaphoreSlim _free = new(options.Value.MaxConcurrentCodecs);

    /// <summary>Reads the header only; quick.</summary>
    public ImageHeader ReadHeader(ReadOnlyMemory<byte> file) => ImageCodec.ReadHeader(file, _limits);

    public Task<Picture> DecodeAsync(ReadOnlyMemory<byte> file, RequestClock clock) =>
        RunAsync("decode", clock, () => ImageCodec.Decode(file, _limits, clock.Token));

    public Task<byte[]> EncodeAsync(Picture picture, ImageFormat format, OutputColor color, RequestClock clock) =>
        RunAsync("encode", clock, () => ImageCodec.Encode(picture, format, new EncodeOptions { Quality = options.Value.Quality, Color = color }, clock.Token));

    /// <inheritdoc/>
    public void Dispose() => _free.Dispose();

    private async Task<T> RunAsync<T>(string step, RequestClock clock, Func<T> action)
    {
        await _free.WaitAsync(clock.Token);
        try
        {
            return clock.Measure(step, action);
        }
        finally
        {
            _free.Release();
        }
    }
}
