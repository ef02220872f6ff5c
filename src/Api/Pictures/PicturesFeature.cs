using DenoiseService.Api.Settings;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Pictures;

/// <summary>Pictures in and out: limits, upload, codec.</summary>
internal static class PicturesFeature
{
    public static IServiceCollection AddPictures(this IServiceCollection services)
    {
        services.AddValidatedOptions<ImageOptions>(ImageOptions.Section);
        services.AddSingleton<RequestClocks>();
        services.AddSingleton<UploadReader>();
        services.AddSingleton<Codec>();
        services.AddSingleton<PictureRunner>();
        services.AddHostedService<CodecWarmUp>();
        // The server and the form reader have limits of their own: both follow ours.
        services.AddOptions<KestrelServerOptions>().Configure<IOptions<ImageOptions>>((kestrel, images) =>
            kestrel.Limits.MaxRequestBodySize = images.Value.MaxBytes + ImageOptions.EnvelopeBytes);
        services.AddOptions<FormOptions>().Configure<IOptions<ImageOptions>>((form, images) => form.Bounded(images.Value.MaxBytes + ImageOptions.EnvelopeBytes));
        return services;
    }
}
