using System.Reflection;
using System.Runtime.InteropServices;
using DenoiseService.Api.Access;
using DenoiseService.Api.Models;
using DenoiseService.Api.OpenApi;
using DenoiseService.Api.Serving;
using DenoiseService.Api.Storage;
using Microsoft.AspNetCore.Http.HttpResults;

namespace DenoiseService.Api.Health;

/// <summary>Is it alive, may it be sent requests, and what is it.</summary>
internal static class HealthFeature
{
    private static readonly VersionReport Version = ReadVersion();

    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder group = routes.MapGroup("").WithTags("Health");
        group.MapGet("/health/live", Live).WithName("live").WithSummary("Says whether the process answers").WithDescription("Always 200: a process that cannot answer this should be started again.").WithAnswer(200, "The process answers.").AllowAnonymous();
        group.MapGet("/health/ready", Ready).WithName("ready").WithSummary("Says whether requests should be sent here")
            .WithDescription("Ready: a champion is loaded, its checksum matched, it is warm, the last forward pass gave finite numbers, the database answers, and the service is not shutting down. A busy service stays ready.")
            .Produces<HealthReport>(StatusCodes.Status503ServiceUnavailable).WithAnswer(200, "Send requests.").WithAnswer(503, "Send none; the reasons say why.").AllowAnonymous();
        group.MapGet("/version", GetVersion).WithName("version").WithSummary("Says what is running").WithDescription("Versions of the service, of the tensor library and of the runtime.").WithAnswer(200, "The versions.").RequireScope(KeyScopes.Read);
    }

    private static Ok<HealthReport> Live() => TypedResults.Ok(new HealthReport("live", [], []));

    private static Results<Ok<HealthReport>, JsonHttpResult<HealthReport>> Ready(ModelStatus models, ModelWorker worker, StorageMonitor storage, DrainService drain)
    {
        string[] reasons =
        [
            .. drain.Draining ? ["The service is shutting down."] : Array.Empty<string>(),
            .. models.Problem is { } problem ? [problem] : Array.Empty<string>(),
            .. worker.LastForwardFailed ? ["The last forward pass failed."] : Array.Empty<string>(),
            .. storage.Problem is { } away ? [away] : Array.Empty<string>(),
        ];
        if (reasons.Length == 0) return TypedResults.Ok(new HealthReport("ready", reasons, models.Details));
        return TypedResults.Json(new HealthReport("not-ready", reasons, models.Details), statusCode: StatusCodes.Status503ServiceUnavailable);
    }

    private static Ok<VersionReport> GetVersion() => TypedResults.Ok(Version);

    private static VersionReport ReadVersion()
    {
        // "0.1.0+commit", where the build knew the commit.
        string[] product = InformationalVersion(typeof(HealthFeature).Assembly).Split('+', 2);
        return new VersionReport(
            product[0], product.ElementAtOrDefault(1), InformationalVersion(typeof(TorchSharp.torch).Assembly).Split('+')[0], System.Version.Parse(TorchSharp.torch.__version__).ToString(3), RuntimeInformation.FrameworkDescription);
    }

    private static string InformationalVersion(Assembly assembly) => assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";
}
