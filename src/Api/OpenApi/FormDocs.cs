using System.Net.Mime;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace DenoiseService.Api.OpenApi;

/// <summary>Metadata of a route that reads a form by hand.</summary>
/// <param name="Files">Its file parts.</param>
/// <param name="Fields">Its other fields.</param>
/// <param name="Required">The one part that must be there.</param>
internal sealed record FormDocs(IReadOnlyList<FieldDocs> Files, IReadOnlyList<FieldDocs> Fields, string Required);

/// <summary>Metadata of a route that answers bytes.</summary>
/// <param name="MediaType">Of the answer.</param>
internal sealed record BinaryAnswerDocs(string MediaType);

/// <summary>Documents forms and bytes, which no signature shows.</summary>
internal sealed class FormFilter : IOperationFilter
{
    public void Apply(OpenApiOperation operation, OperationFilterContext context)
    {
        IList<object> metadata = context.ApiDescription.ActionDescriptor.EndpointMetadata;
        if (metadata.OfType<FormDocs>().SingleOrDefault() is { } form) operation.RequestBody = Body(form);
        if (metadata.OfType<BinaryAnswerDocs>().SingleOrDefault() is not { } answer || operation.Responses?["200"] is not OpenApiResponse response) return;
        response.Content = new Dictionary<string, IOpenApiMediaType> { [answer.MediaType] = new OpenApiMediaType { Schema = new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary" } } };
    }

    private static OpenApiRequestBody Body(FormDocs docs)
    {
        var schema = new OpenApiSchema { Type = JsonSchemaType.Object, Required = new HashSet<string> { docs.Required }, Properties = new Dictionary<string, IOpenApiSchema>() };
        foreach (FieldDocs field in docs.Files.Concat(docs.Fields))
        {
            OpenApiSchema part = field.Schema();
            part.Description = field.Description;
            schema.Properties[field.Name] = part;
        }

        return new OpenApiRequestBody { Required = true, Content = new Dictionary<string, IOpenApiMediaType> { [MediaTypeNames.Multipart.FormData] = new OpenApiMediaType { Schema = schema } } };
    }
}

/// <summary>Describes an answer of bytes.</summary>
internal static class BinaryAnswerDocsExtensions
{
    public static RouteHandlerBuilder WithBinaryAnswer(this RouteHandlerBuilder route, string mediaType) => route.Produces<byte[]>(StatusCodes.Status200OK, mediaType).WithMetadata(new BinaryAnswerDocs(mediaType));
}
