using DenoiseService.Api.Access;
using DenoiseService.Api.Jobs.Engine;
using DenoiseService.Api.Jobs.Events;
using DenoiseService.Api.Settings;
using DenoiseService.Api.Storage;

namespace DenoiseService.Api.Jobs;

/// <summary>Work that outlives requests: trainings and experiments, stored, run one at a time by any worker, watched while they run.</summary>
internal static class JobsFeature
{
    /// <summary>Add after storage, serving and data sets.</summary>
    public static IServiceCollection AddJobs(this IServiceCollection services)
    {
        services.AddValidatedOptions<JobsOptions>(JobsOptions.Section);
        services.AddValidatedOptions<RolesOptions>(RolesOptions.Section);
        services.AddSingleton<JobStore>();
        services.AddSingleton<JobModels>();
        services.AddSingleton<JobResults>();
        services.AddSingleton<JobPlanner>();
        services.AddSingleton<JobSubmission>();
        services.AddSingleton<JobControl>();
        services.AddSingleton<InferenceFirst>();
        services.AddSingleton<WorkerIdentity>();
        services.AddSingleton<JobPreparation>();
        services.AddSingleton<JobEnding>();
        services.AddSingleton<JobRunner>();
        services.AddSingleton<JobEngine>();
        services.AddSingleton<JobReconciler>();
        return services.AddHostedService(s => s.GetRequiredService<JobReconciler>());
    }

    public static void MapJobs(this IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder v1 = routes.MapGroup("/v1").WithTags("Jobs");
        v1.MapGroup("").RequireScope(KeyScopes.Read).MapJobReads().MapJobEvents().MapJobFiles();
        v1.MapGroup("").RequireScope(KeyScopes.Admin).MapJobSubmissions().MapJobControl();
    }
}
