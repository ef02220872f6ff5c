using DenoiseService.Api.Storage;
using Microsoft.AspNetCore.Authorization;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace DenoiseService.Api.Access;

/// <summary>Says of every operation which scope it needs, and how a key is sent.</summary>
internal sealed class ScopeFilter : IOperationFilter
{
    private const string Bearer = "bearer", Header = "apiKey";

    /// <summary>Describes the two ways of sending a key, and adds the filter.</summary>
    public static void AddTo(SwaggerGenOptions options)
    {
        options.AddSecurityDefinition(Bearer, new OpenApiSecurityScheme
        {
            Type = SecuritySchemeType.Http,
            Scheme = "bearer",
            BearerFormat = "dn_…",
            Description = "A key of POST /v1/keys or of the setting Security:AdminKey. On the service's own machine none is needed until the first one exists.",
        });
        options.AddSecurityDefinition(Header, new OpenApiSecurityScheme { Type = SecuritySchemeType.ApiKey, In = ParameterLocation.Header, Name = AccessRefusals.KeyHeader, Description = "The same key in a header of its own." });
        options.OperationFilter<ScopeFilter>();
    }

    public void Apply(OpenApiOperation operation, OperationFilterContext context)
    {
        IList<object> metadata = context.ApiDescription.ActionDescriptor.EndpointMetadata;
        if (metadata.OfType<IAllowAnonymous>().Any()) return;
        string scope = (metadata.OfType<ScopeRequirement>().LastOrDefault()?.Scope ?? KeyScopes.Admin).Names();
        operation.Description = $"{operation.Description} Needs the scope `{scope}`.";
        // From 3.1 on the list names roles for every kind of scheme.
        operation.Security =
        [
            new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(Bearer, context.Document)] = [scope] },
            new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(Header, context.Document)] = [scope] },
        ];
    }
}
