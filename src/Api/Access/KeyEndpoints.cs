using DenoiseService.Api.Errors;
using DenoiseService.Api.OpenApi;
using DenoiseService.Api.Storage;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace DenoiseService.Api.Access;

/// <summary>/v1/keys: for admins.</summary>
internal static class KeyEndpoints
{
    public static void MapKeys(this IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder group = routes.MapGroup("/v1/keys").WithTags("Keys").RequireScope(KeyScopes.Admin);
        group.MapPost("", Make).WithName("makeKey").WithSummary("Makes a key")
            .WithDescription("The key is in the answer and nowhere else: keep it. The first key must have the scope admin, for from then on every request needs one. Another replica knows of it at once.")
            .WithAnswer(201, "The key, this once.")
            .WithProblem(ProblemKind.InvalidParameter, "name has 0 characters; it must be 1 to 100 characters.", "name", "1 to 100 characters", 0)
            .WithProblem(ProblemKind.BadRequest, "The JSON body cannot be read at $.scopes[0].", "$.scopes[0]")
            .WithProblem(ProblemKind.UnsupportedMediaType, "The request was refused.")
            .WithProblem(ProblemKind.AdminKeyNeeded, "From the first key on every request needs one, so the first must have the scope admin.");
        group.MapGet("", List).WithName("listKeys").WithSummary("Lists the keys").WithDescription("All that were ever made, with what they may do and when they were last used; never the keys themselves.").WithAnswer(200, "All keys, the newest first.");
        group.MapDelete("{id}", Revoke).WithName("revokeKey").WithSummary("Revokes a key")
            .WithDescription("For good; once or often. Every replica refuses it within Security:KeyCacheSeconds (5 s).").WithAnswer(204, "It is revoked.")
            .WithProblem(ProblemKind.UnknownKey, "No key has this id.", "id", null, "8f0c1c1e6f5b")
            .WithProblem(ProblemKind.AdminKeyNeeded, "This is the last admin key that can be used; make another one first.");
    }

    /// <param name="wanted">What the key is to be.</param>
    /// <param name="context">The request.</param>
    /// <param name="register">The keys.</param>
    private static async Task<Created<MadeKey>> Make([FromBody] NewKey wanted, HttpContext context, KeyRegister register)
    {
        (ApiKey key, string text) = await register.MakeAsync(wanted, context.GetCaller(), context.RequestAborted);
        context.Response.Headers.CacheControl = "no-store";
        return TypedResults.Created((string?)null, new MadeKey(text, Info(key)));
    }

    /// <param name="register">The keys.</param>
    /// <param name="cancellationToken">Of the request.</param>
    private static async Task<Ok<KeyList>> List(KeyRegister register, CancellationToken cancellationToken) =>
        TypedResults.Ok(new KeyList([.. (await register.ListAsync(cancellationToken)).Select(Info)]));

    /// <param name="id" example="8f0c1c1e6f5b">Of the key, as in the list.</param>
    /// <param name="context">The request.</param>
    /// <param name="register">The keys.</param>
    private static async Task<NoContent> Revoke(string id, HttpContext context, KeyRegister register)
    {
        await register.RevokeAsync(id, context.GetCaller(), context.RequestAborted);
        return TypedResults.NoContent();
    }

    private static KeyInfo Info(ApiKey key) => new(
        key.Id, key.Prefix, key.Name, [.. KeyScopeExtensions.Each.Where(s => key.Scopes.HasFlag(s)).Select(s => (KeyScope)(int)s)], key.RateLimitPerMinute, key.CreatedAt, key.LastUsedAt, key.ExpiresAt, key.RevokedAt);
}
