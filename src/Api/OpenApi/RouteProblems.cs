using DenoiseService.Api.Errors;

namespace DenoiseService.Api.OpenApi;

/// <summary>Names the refusals of a route that takes no picture.</summary>
internal static class RouteProblems
{
    /// <summary>These, and what every route that asks the database can answer.</summary>
    public static RouteHandlerBuilder Problems(this RouteHandlerBuilder route, params ProblemKind[] kinds) =>
        route.WithProblems([.. kinds.Append(ProblemKind.StorageUnavailable).Select(k => new ApiException(k, k.Title + "."))]);
}
