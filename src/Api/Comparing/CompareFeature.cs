using DenoiseService.Api.Access;
using DenoiseService.Api.OpenApi;
using DenoiseService.Api.Storage;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.OpenApi;

namespace DenoiseService.Api.Comparing;

/// <summary>POST /v1/compare.</summary>
internal static class CompareFeature
{
    private const string Reference = "Id, alias, name@checksum or name, which means the newest version of it.";

    private static PictureRouteDocs Docs { get; } = new(
        [
            new("first", $"One model; the champion if absent. {Reference}", () => new OpenApiSchema { Type = JsonSchemaType.String, Default = "champion", Examples = ["champion"] }),
            new("second", $"The other; the candidate if absent. {Reference}", () => new OpenApiSchema { Type = JsonSchemaType.String, Default = "candidate", Examples = ["candidate"] }),
            new("strength", "Of both: 0 keeps the picture, 1 takes the network's result, between them a linear blend.", () => new OpenApiSchema { Type = JsonSchemaType.Number, Minimum = "0", Maximum = "1", Default = 1, Examples = [1] }),
            PictureRouteDocs.Sigma with { Description = $"For both. {PictureRouteDocs.Sigma.Description}" },
            PictureRouteDocs.Mode with { Description = $"Of both passes. {PictureRouteDocs.Mode.Description}" },
            new("includeImages", "Put both outputs and the difference picture into the JSON, as PNG in base64.", () => new OpenApiSchema { Type = JsonSchemaType.Boolean, Default = false }),
            new("gain", "What the difference picture multiplies by.", () => new OpenApiSchema { Type = JsonSchemaType.Number, Minimum = "1", Maximum = "255", Default = 10, Examples = [10] }),
        ],
        [CompareOperation.Png], typeof(Comparison), "The scores; with Accept: image/png the difference picture.");

    public static IServiceCollection AddComparing(this IServiceCollection services) => services.AddSingleton<CompareOperation>();

    public static void MapComparing(this IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder inference = routes.MapGroup("/v1/compare").WithTags("Comparing").RequireScope(KeyScopes.Inference);
        inference.MapPost("", Compare).WithName("compare").WithSummary("Compares two models on one picture")
            .WithDescription("Both models clean the same picture; the answer tells how far their outputs and their routing differ. JSON by default, with the pictures if `includeImages=true`; `Accept: image/png` gives the difference picture alone. It costs as much as both passes.")
            .WithMetadata(Docs).WithPictureProblems().DisableAntiforgery();
    }

    private static async Task<Results<Ok<Comparison>, FileContentHttpResult>> Compare(HttpContext context, CompareOperation operation)
    {
        (Comparison? scores, byte[]? difference) = await operation.RunAsync(context);
        return difference is null ? TypedResults.Ok(scores) : TypedResults.Bytes(difference, CompareOperation.Png);
    }
}
