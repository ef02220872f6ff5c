using System.Text.Json.Nodes;
using DenoiseService.Model;
using Microsoft.OpenApi;

namespace DenoiseService.Api.OpenApi;

/// <summary>The document at /openapi/v1.json and Swagger UI at /swagger.</summary>
internal static class OpenApiFeature
{
    private const string Document = "v1";

    public static IServiceCollection AddOpenApiDocument(this IServiceCollection services)
    {
        services.AddEndpointsApiExplorer();
        return services.AddSwaggerGen(o =>
        {
            o.SwaggerDoc(Document, new OpenApiInfo
            {
                Title = "Denoise service",
                Version = Document,
                Description = "Removes noise from photographs with an adaptive sparse attention network, and shows where the network spends its compute. Every error is an RFC 9457 problem with a stable type.",
                License = new OpenApiLicense { Name = "MIT", Identifier = "MIT" },
            });
            o.AddServer(new OpenApiServer { Url = "/", Description = "This service" });
            o.SupportNonNullableReferenceTypes();
            o.NonNullableReferenceTypesAsRequired();
            // Free-form records of a model's card: the generator would describe the JSON library instead.
            o.MapType<JsonObject>(() => new OpenApiSchema { Type = JsonSchemaType.Object, AdditionalPropertiesAllowed = true });
            foreach (System.Reflection.Assembly assembly in (System.Reflection.Assembly[])[typeof(OpenApiFeature).Assembly, typeof(ModelConfig).Assembly, typeof(Training.Recipe).Assembly])
            {
                o.IncludeXmlComments(Path.Combine(AppContext.BaseDirectory, assembly.GetName().Name + ".xml"));
            }

            o.SchemaFilter<RequiredFieldsFilter>();
            o.SchemaFilter<WholeConfigFilter>();
            o.OperationFilter<PictureRouteFilter>();
            o.OperationFilter<FormFilter>();
            o.OperationFilter<ProblemFilter>();
            o.OperationFilter<AnswerFilter>();
        });
    }

    public static void UseOpenApiDocument(this WebApplication app)
    {
        app.UseSwagger(o =>
        {
            o.OpenApiVersion = OpenApiSpecVersion.OpenApi3_1;
            o.RouteTemplate = "openapi/{documentName}.json";
        });
        app.UseSwaggerUI(o =>
        {
            o.SwaggerEndpoint($"/openapi/{Document}.json", "Denoise service");
            o.DocumentTitle = "Denoise service";
        });
        // Who opens the address in a browser wants to see what there is.
        app.MapGet("/", () => TypedResults.Redirect("/swagger")).WithName("root").WithSummary("Leads to the documentation").ExcludeFromDescription().AllowAnonymous();
    }
}
