using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace DenoiseService.Api.OpenApi;

/// <summary>
/// Takes out of a schema's required fields what a request may leave out because the record has a value of its own for it. The generator only sees that the type is not nullable, and
/// clients made from the document would have to send every field of a recipe. It sees answers as well: a record that is only answered has its fields in the constructor, or says <c>required</c>.
/// </summary>
internal sealed class RequiredFieldsFilter : ISchemaFilter
{
    public void Apply(IOpenApiSchema schema, SchemaFilterContext context)
    {
        if (schema is not OpenApiSchema { Required: { Count: > 0 } required }) return;
        foreach (JsonPropertyInfo field in JsonSerializerOptions.Web.GetTypeInfo(context.Type).Properties.Where(f => !f.IsRequired))
        {
            if (field.AssociatedParameter is { } parameter ? parameter.HasDefaultValue : field.Set is not null) required.Remove(field.Name);
        }
    }
}
