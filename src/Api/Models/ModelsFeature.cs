using DenoiseService.Api.Access;
using DenoiseService.Api.Settings;
using DenoiseService.Api.Storage;

namespace DenoiseService.Api.Models;

/// <summary>The registry of models and what of it is in memory.</summary>
internal static class ModelsFeature
{
    /// <summary>Add after storage and before serving: what starts first stops last, and models outlive the worker.</summary>
    public static IServiceCollection AddModels(this IServiceCollection services)
    {
        services.AddValidatedOptions<ModelsOptions>(ModelsOptions.Section);
        services.AddSingleton<ModelLoader>();
        services.AddSingleton<LoadedModels>();
        services.AddSingleton<ModelStatus>();
        services.AddSingleton<ModelRegistry>();
        services.AddSingleton<ModelAccess>();
        services.AddSingleton<ShippedModels>();
        services.AddSingleton<ModelPromotions>();
        services.AddSingleton<ModelView>();
        services.AddSingleton<ModelFiles>();
        services.AddSingleton<CheckpointUpload>();
        services.AddSingleton<ChampionFollower>();
        return services.AddHostedService(s => s.GetRequiredService<ChampionFollower>());
    }

    public static void MapModels(this IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder group = routes.MapGroup("/v1/models").WithTags("Models");
        group.MapGroup("").RequireScope(KeyScopes.Read).MapModelReads();
        group.MapGroup("").RequireScope(KeyScopes.Admin).MapModelChanges();
    }
}
