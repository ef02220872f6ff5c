using DenoiseService.Api.Errors;

namespace DenoiseService.Api.OpenApi;

/// <summary>Metadata of a route: a refusal of its own, in place of what the others with the same status say.</summary>
internal sealed record ProblemDocs(ApiException Example);

/// <summary>Describes a refusal of a route.</summary>
internal static class ProblemDocsExtensions
{
    public static RouteHandlerBuilder WithProblem(this RouteHandlerBuilder route, ProblemKind kind, string detail, string? parameter = null, object? limit = null, object? actual = null) =>
        route.WithProblems(new ApiException(kind, detail) { Parameter = parameter, Limit = limit, Actual = actual });

    /// <summary>Several, by example.</summary>
    public static RouteHandlerBuilder WithProblems(this RouteHandlerBuilder route, params ApiException[] examples)
    {
        foreach (ApiException example in examples) route.Produces<Problem>(example.Kind.Status, Problem.MediaType).WithMetadata(new ProblemDocs(example));
        return route;
    }
}
