using System.Text.Json.Nodes;
using DenoiseService.Api.Errors;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace DenoiseService.Api.OpenApi;

/// <summary>Says of every refusal which problems it can be, and gives an example.</summary>
internal sealed class ProblemFilter : IOperationFilter
{
    private static readonly Dictionary<string, (ProblemKind[] Kinds, ApiException Example)> ByStatus = new[]
    {
        Of([ProblemKind.InvalidParameter, ProblemKind.InvalidUpload, ProblemKind.BadRequest], "strength is 7; it must be 0 to 1.", "strength", "0 to 1", 7),
        Of([ProblemKind.UnknownModel], "No model has this id.", "model", null, "denoise-huge"),
        Of([ProblemKind.NotAcceptable], "Accept takes none of image/png, image/jpeg, image/webp, image/tiff, image/bmp, image/avif.", "Accept", null, "image/gif"),
        Of([ProblemKind.TooLarge], "The picture is too large: megapixels 2500, allowed are 64.", "megapixels", 64, 2500),
        Of([ProblemKind.UnsupportedImage], "The content is no picture of a kind that is read here. Accepted are image/png, image/jpeg, image/webp, image/tiff, image/bmp, image/avif.", null, null, null),
        Of([ProblemKind.CorruptImage], "The Png picture is truncated or damaged.", null, null, null),
        Of([ProblemKind.QueueFull], "The queue would hold 65 requests; its limit is 64. Try again in 12 s.", "requests", 64, 65),
        Of([ProblemKind.InferenceFailed, ProblemKind.Internal], "The model gave no usable result for the batch that this picture was in.", null, null, null),
        Of([ProblemKind.NotReady, ProblemKind.Draining], "The default model denoise-small is still loading.", null, null, null),
        Of([ProblemKind.DeadlineExceeded], "The request's time limit passed before the answer was there.", null, null, null),
    }.ToDictionary(p => p.Kinds[0].Status.ToString(System.Globalization.CultureInfo.InvariantCulture));

    public void Apply(OpenApiOperation operation, OperationFilterContext context)
    {
        ProblemKind[] own = [.. context.ApiDescription.ActionDescriptor.EndpointMetadata.OfType<ProblemDocs>().SelectMany(d => d.Kinds)];
        foreach ((string status, IOpenApiResponse response) in operation.Responses ?? [])
        {
            if (response is not OpenApiResponse concrete || concrete.Content?.TryGetValue(Problem.MediaType, out IOpenApiMediaType? body) != true) continue;
            ProblemKind[] here = [.. own.Where(k => k.Status.ToString(System.Globalization.CultureInfo.InvariantCulture) == status)];
            (ProblemKind[] Kinds, ApiException Example) known = here.Length > 0 ? (here, new ApiException(here[0], here[0].Title + ".")) : ByStatus.GetValueOrDefault(status);
            if (known.Kinds is null) continue;
            concrete.Description = string.Join("; or ", known.Kinds.Select(k => $"{k.Title} ({k.Type})")) + ".";
            ((OpenApiMediaType)body!).Example = Example(known.Example);
            if (known.Kinds.Contains(ProblemKind.QueueFull))
            {
                concrete.Headers = new Dictionary<string, IOpenApiHeader>
                {
                    ["Retry-After"] = new OpenApiHeader { Description = "Seconds, from the queued work and the measured speed.", Schema = new OpenApiSchema { Type = JsonSchemaType.Integer, Minimum = "1", Maximum = "60" } },
                };
            }
        }
    }

    private static (ProblemKind[] Kinds, ApiException Example) Of(ProblemKind[] kinds, string detail, string? parameter, object? limit, object? actual) =>
        (kinds, new ApiException(kinds[0], detail) { Parameter = parameter, Limit = limit, Actual = actual });

    private static JsonObject Example(ApiException e)
    {
        var example = new JsonObject { ["type"] = e.Kind.Type, ["title"] = e.Kind.Title, ["status"] = e.Kind.Status, ["detail"] = e.Message, ["requestId"] = "8f0c1c1e6f5b4f0d" };
        if (e.Parameter is { } parameter) example["parameter"] = parameter;
        if (e.Limit is { } limit) example["limit"] = limit is int number ? number : (string)limit;
        if (e.Actual is { } actual) example["actual"] = actual is int came ? came : (string)actual;
        return example;
    }
}
