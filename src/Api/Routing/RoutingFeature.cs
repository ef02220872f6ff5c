using DenoiseService.Api.Access;
using DenoiseService.Api.OpenApi;
using DenoiseService.Api.Storage;
using Microsoft.AspNetCore.Http.HttpResults;

namespace DenoiseService.Api.Routing;

/// <summary>POST /v1/routing-map.</summary>
internal static class RoutingFeature
{
    public static IServiceCollection AddRoutingMap(this IServiceCollection services) => services.AddSingleton<RoutingOperation>();

    public static void MapRoutingMap(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/v1/routing-map", Map).WithTags("Routing").WithName("routingMap").WithSummary("Shows where the network spends its compute")
            .WithDescription($"For every patch of the picture and every block the probabilities of the experts, and sums. JSON by default; `Accept: image/png` gives the chosen experts as colours over the picture ({RoutingOverlay.Legend}).")
            .WithMetadata(RoutingDocs.Route).WithPictureProblems().DisableAntiforgery().RequireScope(KeyScopes.Inference);

    private static async Task<Results<Ok<RoutingReport>, FileContentHttpResult>> Map(HttpContext context, RoutingOperation operation)
    {
        (RoutingReport? report, byte[]? overlay) = await operation.RunAsync(context);
        return overlay is null ? TypedResults.Ok(report) : TypedResults.Bytes(overlay, RoutingOperation.Png);
    }
}
