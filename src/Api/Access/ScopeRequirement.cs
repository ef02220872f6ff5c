using DenoiseService.Api.Errors;
using DenoiseService.Api.Storage;

namespace DenoiseService.Api.Access;

/// <summary>Metadata of a route: the scope that its caller must have. The last one given counts, so a route may differ from its group.</summary>
internal sealed record ScopeRequirement(KeyScopes Scope);

/// <summary>
/// What every route says of itself: <c>.RequireScope(KeyScopes.Read)</c> on it or its group, or <c>.AllowAnonymous()</c> where anybody may come. One that says
/// nothing wants an admin, and a test fails.
/// </summary>
internal static class ScopeRequirementExtensions
{
    /// <summary>Demands a scope of the caller, and documents the refusals (503: the database, where keys are, is away). Admin has all scopes.</summary>
    /// <param name="routes">A route or a group.</param>
    /// <param name="scope">Exactly one scope.</param>
    public static T RequireScope<T>(this T routes, KeyScopes scope) where T : IEndpointConventionBuilder =>
        routes.WithMetadata(new ScopeRequirement(scope), Refusal(StatusCodes.Status401Unauthorized), Refusal(StatusCodes.Status403Forbidden), Refusal(StatusCodes.Status503ServiceUnavailable));

    private static ProducesResponseTypeMetadata Refusal(int status) => new(status, typeof(Problem), [Problem.MediaType]);
}
