using System.Globalization;
using System.Text.Json;
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
        Of([ProblemKind.KeyRequired, ProblemKind.InvalidKey], "This needs a key with the scope inference, sent as \"Authorization: Bearer KEY\" or \"X-Api-Key: KEY\".", "Authorization", "inference", null),
        Of([ProblemKind.ScopeMissing, ProblemKind.LocalOnly], "This needs the scope admin; the key has inference, read.", "scope", "admin", "inference, read"),
        Of([ProblemKind.UnknownModel], "No model is called so: it is neither an alias, nor an id, nor a name.", "model", null, "denoise-huge"),
        Of([ProblemKind.NotAcceptable], "Accept takes none of image/png, image/jpeg, image/webp, image/tiff, image/bmp, image/avif.", "Accept", null, "image/gif"),
        Of([ProblemKind.TooLarge], "The picture is too large: megapixels 2500, allowed are 64.", "megapixels", 64, 2500),
        Of([ProblemKind.UnsupportedImage], "The content is no picture of a kind that is read here. Accepted are image/png, image/jpeg, image/webp, image/tiff, image/bmp, image/avif.", null, null, null),
        Of([ProblemKind.CorruptImage], "The Png picture is truncated or damaged (no reason given).", null, null, null),
        Of([ProblemKind.QueueFull, ProblemKind.RateLimited], "The queue would hold 65 requests; its limit is 64. Try again in 12 s.", "requests", 64, 65),
        Of([ProblemKind.InferenceFailed, ProblemKind.Internal], "The model gave no usable result for the batch that this picture was in.", null, null, null),
        Of([ProblemKind.NotReady, ProblemKind.Draining, ProblemKind.StorageUnavailable], "The champion is still loading.", null, null, null),
        Of([ProblemKind.DeadlineExceeded], "The request's time limit passed before the answer was there.", null, null, null),
    }.ToDictionary(p => p.Kinds[0].Status.ToString(CultureInfo.InvariantCulture));

    public void Apply(OpenApiOperation operation, OperationFilterContext context)
    {
        foreach ((string status, IOpenApiResponse response) in operation.Responses ?? [])
        {
            if (response is not OpenApiResponse concrete || concrete.Content?.TryGetValue(Problem.MediaType, out IOpenApiMediaType? body) != true || KnownOf(context, status) is not { } known) continue;
            concrete.Description = string.Join("; or ", known.Kinds.Select(k => $"{k.Title} ({k.Type})")) + ".";
            ((OpenApiMediaType)body!).Example = Example(known.Example);
            if (known.Kinds.Contains(ProblemKind.QueueFull))
            {
                concrete.Headers = new Dictionary<string, IOpenApiHeader>
                {
                    ["Retry-After"] = new OpenApiHeader { Description = "Seconds: from the queued work and the measured speed (1 to 60), or until the rate limit lets this request in.", Schema = new OpenApiSchema { Type = JsonSchemaType.Integer, Minimum = "1" } },
                };
            }
        }
    }

    // What the route says itself comes first.
    private static (ProblemKind[] Kinds, ApiException Example)? KnownOf(OperationFilterContext context, string status)
    {
        ApiException[] own = [.. context.ApiDescription.ActionDescriptor.EndpointMetadata.OfType<ProblemDocs>().Select(d => d.Example).Where(e => e.Kind.Status.ToString(CultureInfo.InvariantCulture) == status)];
        if (own.Length > 0) return ([.. own.Select(e => e.Kind).Distinct()], own[0]);
        return ByStatus.TryGetValue(status, out var known) ? known : null;
    }

    private static (ProblemKind[] Kinds, ApiException Example) Of(ProblemKind[] kinds, string detail, string? parameter, object? limit, object? actual) =>
        (kinds, new ApiException(kinds[0], detail) { Parameter = parameter, Limit = limit, Actual = actual });

    private static JsonObject Example(ApiException e)
    {
        var example = new JsonObject { ["type"] = e.Kind.Type, ["title"] = e.Kind.Title, ["status"] = e.Kind.Status, ["detail"] = e.Message, ["requestId"] = "8f0c1c1e6f5b4f0d" };
        if (e.Parameter is { } parameter) example["parameter"] = parameter;
        if (e.Limit is { } limit) example["limit"] = JsonSerializer.SerializeToNode(limit);
        if (e.Actual is { } actual) example["actual"] = JsonSerializer.SerializeToNode(actual);
        return example;
    }
}
