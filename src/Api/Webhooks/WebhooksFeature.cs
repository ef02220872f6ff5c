using DenoiseService.Api.Access;
using DenoiseService.Api.Settings;
using DenoiseService.Api.Storage;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace DenoiseService.Api.Webhooks;

/// <summary>Tells others when jobs and models change: stored with the change, signed, filtered, tried again.</summary>
internal static class WebhooksFeature
{
    /// <summary>Add after the storage and before jobs: what starts first stops last, and the last words of a job that is handed back may still be sent.</summary>
    public static IServiceCollection AddWebhooks(this IServiceCollection services)
    {
        services.AddValidatedOptions<WebhooksOptions>(WebhooksOptions.Section);
        services.AddSingleton<IInterceptor, WebhookOutbox>();
        services.AddSingleton<WebhookRegister>();
        services.AddSingleton<DeliveryQueue>();
        services.AddSingleton<WebhookSender>();
        services.AddSingleton<WebhookSweeper>();
        services.AddHostedService<WebhookDispatcher>();
        return services.AddHostedService(s => s.GetRequiredService<WebhookSweeper>());
    }

    public static void MapWebhooks(this IEndpointRouteBuilder routes) => routes.MapGroup("/v1/webhooks").WithTags("Webhooks").RequireScope(KeyScopes.Admin).MapWebhookRoutes();
}
