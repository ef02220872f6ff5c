using DenoiseService.Imaging;

namespace DenoiseService.Api.Pictures;

/// <summary>Loads the native codec and compiles its callers before the first request has to wait for that.</summary>
internal sealed class CodecWarmUp : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        var limits = new DecodeLimits(1 << 20, 1, 1, 64);
        foreach (ImageFormat format in (ImageFormat[])[ImageFormat.Png, ImageFormat.Jpeg])
        {
            ImageCodec.Decode(ImageCodec.Encode(new Picture(new float[3 * 64], 3, 8, 8), format, cancellationToken: cancellationToken), limits, cancellationToken);
        }

        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
