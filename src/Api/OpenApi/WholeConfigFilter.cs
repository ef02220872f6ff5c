using DenoiseService.Api.Models;
using DenoiseService.Model;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace DenoiseService.Api.OpenApi;

/// <summary>A model is answered with every field of its network, while a request may name any of them: the record that both share cannot say so, the field of the answer can.</summary>
internal sealed class WholeConfigFilter : ISchemaFilter
{
    private const string Field = "config";

    public void Apply(IOpenApiSchema schema, SchemaFilterContext context)
    {
        if (context.Type != typeof(ModelInfo) || schema is not OpenApiSchema { Properties: { } fields } || !context.SchemaRepository.Schemas.TryGetValue(nameof(ModelConfig), out var network)) return;
        fields[Field] = new OpenApiSchema { AllOf = [fields[Field], new OpenApiSchema { Required = new SortedSet<string>(network.Properties?.Keys ?? [], StringComparer.Ordinal) }] };
    }
}
