using DenoiseService.Api.Errors;

namespace DenoiseService.Api.OpenApi;

/// <summary>Metadata of a route: a refusal of its own, in place of what the others with the same status say.</summary>
internal sealed record ProblemDocs(ApiException Example);

/// <summary>Describes a refusal of a route.</summary>
internal static class ProblemDocsExtensions
{
    public static RouteHandlerBuilder WithProblem(this RouteHandlerBuilder route, ProblemKind kind, string detail, string? parameter = null, object? limit = null, object? actual = null) =>
        route.Produces<Problem>(kind.Status, Problem.MediaType).WithMetadata(new ProblemDocs(new ApiException(kind, detail) { Parameter = parameter, Limit = limit, Actual = actual }));
}
