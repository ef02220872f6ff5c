using DenoiseService.Api.Access;
using DenoiseService.Api.OpenApi;
using DenoiseService.Api.Storage;
using Microsoft.AspNetCore.Http.HttpResults;

namespace DenoiseService.Api.Denoising;

/// <summary>POST /v1/denoise.</summary>
internal static class DenoisingFeature
{
    public static IServiceCollection AddDenoising(this IServiceCollection services) => services.AddSingleton<DenoiseOperation>();

    public static void MapDenoising(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/v1/denoise", Denoise).WithTags("Denoising").WithName("denoise").WithSummary("Removes the noise from a picture")
            .WithDescription("Send the picture as the body, or as the part `image` of a multipart form; the parameters may stand in the query or in form fields. The answer is the picture in the input's format, unless `format` or `Accept` ask for another; orientation is applied, size, depth, alpha and colour profile stay. With `includeRouting=true` the answer is JSON: the picture in base64, its routing map and the timings.")
            .WithMetadata(DenoiseDocs.Route).WithPictureProblems().DisableAntiforgery().RequireScope(KeyScopes.Inference);

    private static async Task<Results<FileContentHttpResult, Ok<DenoisedWithRouting>>> Denoise(HttpContext context, DenoiseOperation operation)
    {
        Denoised done = await operation.RunAsync(context);
        if (done.Routing is null) return TypedResults.Bytes(done.Image, done.MediaType);
        return TypedResults.Ok(new DenoisedWithRouting(done.Image, done.MediaType, done.ModelVersion, done.Routing, done.Timings));
    }
}
