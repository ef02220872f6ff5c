using DenoiseService.Api.Settings;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Serving;

/// <summary>The queue, the thread that owns the models, and the way down.</summary>
internal static class ServingFeature
{
    public static IServiceCollection AddServing(this IServiceCollection services)
    {
        services.AddValidatedOptions<InferenceOptions>(InferenceOptions.Section);
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton<Throughput>();
        services.AddSingleton<Admission>();
        services.AddSingleton<ModelWorker>();
        services.AddHostedService(s => s.GetRequiredService<ModelWorker>());
        services.AddSingleton<DrainService>();
        services.AddHostedService(s => s.GetRequiredService<DrainService>());
        services.AddOptions<HostOptions>().Configure<IOptions<InferenceOptions>>((host, inference) =>
            host.ShutdownTimeout = TimeSpan.FromSeconds(inference.Value.DrainSeconds + inference.Value.FinishSeconds));
        return services;
    }
}
