using DenoiseService.Api.Access;
using DenoiseService.Api.Errors;
using DenoiseService.Api.OpenApi;
using DenoiseService.Api.Settings;
using DenoiseService.Api.Storage;
using Microsoft.AspNetCore.Http.HttpResults;

namespace DenoiseService.Api.Models;

/// <summary>The models folder: loaded at start, listed on request.</summary>
internal static class ModelsFeature
{
    /// <summary>Add before serving: what starts first stops last, and models outlive the worker.</summary>
    public static IServiceCollection AddModels(this IServiceCollection services)
    {
        services.AddValidatedOptions<ModelsOptions>(ModelsOptions.Section);
        services.AddSingleton<ModelCatalog>();
        return services.AddHostedService<ModelLoader>();
    }

    public static void MapModels(this IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder group = routes.MapGroup("/v1/models").WithTags("Models").RequireScope(KeyScopes.Read);
        group.MapGet("", List).WithName("listModels").WithSummary("Lists the models")
            .WithDescription("Every file of the models folder, with its card. A damaged one is listed with its error and never answers.").WithAnswer(200, "All models.");
        group.MapGet("{id}", Get).WithName("getModel").WithSummary("Shows one model")
            .WithDescription("Shape, checksum, training record and measurements of one model.").WithAnswer(200, "The model.")
            .Produces<Problem>(StatusCodes.Status404NotFound, Problem.MediaType);
    }

    private static Ok<ModelList> List(ModelCatalog catalog) =>
        TypedResults.Ok(new ModelList([.. catalog.Entries.Select(e => ModelInfo.Of(e, catalog.DefaultId))], catalog.DefaultId));

    /// <param name="id" example="denoise-small">Name of the weights' file without its extension.</param>
    /// <param name="catalog">The models.</param>
    private static Ok<ModelInfo> Get(string id, ModelCatalog catalog) => TypedResults.Ok(ModelInfo.Of(catalog.Get(id), catalog.DefaultId));
}
