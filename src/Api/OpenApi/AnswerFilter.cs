using System.Globalization;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace DenoiseService.Api.OpenApi;

/// <summary>Metadata of a route: what one of its answers means.</summary>
internal sealed record AnswerDocs(int Status, string Description);

/// <summary>Puts the routes' own words in place of the status codes' names, and the answers in their order.</summary>
internal sealed class AnswerFilter : IOperationFilter
{
    public void Apply(OpenApiOperation operation, OperationFilterContext context)
    {
        foreach (AnswerDocs docs in context.ApiDescription.ActionDescriptor.EndpointMetadata.OfType<AnswerDocs>())
        {
            operation.Responses![docs.Status.ToString(CultureInfo.InvariantCulture)].Description = docs.Description;
        }

        var sorted = new OpenApiResponses();
        foreach ((string status, IOpenApiResponse response) in (operation.Responses ?? []).OrderBy(r => r.Key, StringComparer.Ordinal)) sorted[status] = response;
        operation.Responses = sorted;
    }
}

/// <summary>Describes an answer of a route.</summary>
internal static class AnswerDocsExtensions
{
    public static RouteHandlerBuilder WithAnswer(this RouteHandlerBuilder route, int status, string description) => route.WithMetadata(new AnswerDocs(status, description));
}
