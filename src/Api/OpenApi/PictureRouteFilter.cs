using System.Net.Mime;
using DenoiseService.Api.Pictures;
using DenoiseService.Imaging;
using Microsoft.Extensions.Options;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace DenoiseService.Api.OpenApi;

/// <summary>Documents the bodies, parameters and answers of the routes that carry <see cref="PictureRouteDocs"/>: raw bodies and forms are read by hand, so no signature shows them.</summary>
internal sealed class PictureRouteFilter(IOptions<ImageOptions> images) : IOperationFilter
{
    public void Apply(OpenApiOperation operation, OperationFilterContext context)
    {
        if (context.ApiDescription.ActionDescriptor.EndpointMetadata.OfType<PictureRouteDocs>().SingleOrDefault() is not { } docs) return;
        operation.RequestBody = Body(docs);
        operation.Parameters =
        [
            .. docs.Fields.Select(f => new OpenApiParameter { Name = f.Name, In = ParameterLocation.Query, Description = f.Description, Schema = f.Schema() }),
            Header(RequestClocks.TimeoutHeader, "Milliseconds after which the answer is not wanted any more (then 504); it can only lower the server's own limit.", new OpenApiSchema { Type = JsonSchemaType.Integer, Minimum = "1", Examples = [30_000] }),
            Header(Errors.RequestIdMiddleware.Header, "An id of your own for the request, repeated in the answer and in the server's log.", new OpenApiSchema { Type = JsonSchemaType.String, Pattern = "^[A-Za-z0-9._-]{1,64}$", Examples = ["batch-7.photo-12"] }),
        ];
        operation.Responses!["200"] = Answer(docs, context);
    }

    private OpenApiRequestBody Body(PictureRouteDocs docs)
    {
        var form = new OpenApiSchema
        {
            Type = JsonSchemaType.Object,
            Required = new HashSet<string> { "image" },
            Properties = new Dictionary<string, IOpenApiSchema> { ["image"] = Binary("Exactly one picture.") },
        };
        foreach (FieldDocs field in docs.Fields)
        {
            OpenApiSchema schema = field.Schema();
            schema.Description = field.Description;
            form.Properties[field.Name] = schema;
        }

        var body = new OpenApiRequestBody
        {
            Required = true,
            Description = $"One picture of at most {images.Value.MaxBytes} bytes, {images.Value.MaxMegapixels} megapixels, {images.Value.MaxSide} pixels a side and {images.Value.MaxFrames} frame(s). What it is shows in its content, not in its Content-Type.",
            Content = new Dictionary<string, IOpenApiMediaType> { [MediaTypeNames.Multipart.FormData] = new OpenApiMediaType { Schema = form } },
        };
        foreach (string type in ImageFormats.AcceptedMediaTypes.Prepend(MediaTypeNames.Application.Octet))
        {
            body.Content[type] = new OpenApiMediaType { Schema = Binary("The picture itself.") };
        }

        return body;
    }

    private static OpenApiResponse Answer(PictureRouteDocs docs, OperationFilterContext context)
    {
        var content = new Dictionary<string, IOpenApiMediaType>();
        foreach (string type in docs.PictureAnswers) content[type] = new OpenApiMediaType { Schema = new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary" } };
        content[MediaTypeNames.Application.Json] = new OpenApiMediaType { Schema = context.SchemaGenerator.GenerateSchema(docs.JsonAnswer, context.SchemaRepository) };
        return new OpenApiResponse
        {
            Description = docs.Answer,
            Content = content,
            Headers = new Dictionary<string, IOpenApiHeader>
            {
                [AnswerHeaders.ModelVersion] = Text("Which weights answered: name and the beginning of their sha256.", "denoise-small@3f1c2b9d8e07"),
                [AnswerHeaders.ServerTiming] = Text("Milliseconds of each step.", "decode;dur=4.1, queue;dur=0.2, device;dur=61.5, encode;dur=9.8, total;dur=76.4"),
                [Errors.RequestIdMiddleware.Header] = Text("The request's id.", "batch-7.photo-12"),
                ["Vary"] = Text("The answer's format depends on Accept.", "Accept"),
            },
        };
    }

    private OpenApiSchema Binary(string description) => new()
    {
        Type = JsonSchemaType.String,
        Format = "binary",
        MaxLength = (int)images.Value.MaxBytes,
        Description = description,
    };

    private static OpenApiParameter Header(string name, string description, OpenApiSchema schema) => new() { Name = name, In = ParameterLocation.Header, Description = description, Schema = schema };

    private static OpenApiHeader Text(string description, string example) => new() { Description = description, Schema = new OpenApiSchema { Type = JsonSchemaType.String, Examples = [example] } };
}
