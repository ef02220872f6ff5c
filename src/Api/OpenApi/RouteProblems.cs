using DenoiseService.Api.Errors;

namespace DenoiseService.Api.OpenApi;

/// <summary>Metadata of a route: the refusals that it can answer.</summary>
internal sealed record ProblemDocs(IReadOnlyList<ProblemKind> Kinds);

/// <summary>Names the refusals of a route that takes no picture.</summary>
internal static class RouteProblems
{
    /// <summary>These, and what every route that asks the database can answer.</summary>
    public static RouteHandlerBuilder Problems(this RouteHandlerBuilder route, params ProblemKind[] kinds)
    {
        ProblemKind[] all = [.. kinds, ProblemKind.StorageUnavailable];
        foreach (int status in all.Select(k => k.Status).Distinct()) route.Produces<Problem>(status, Problem.MediaType);
        return route.WithMetadata(new ProblemDocs(all));
    }
}
