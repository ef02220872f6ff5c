using DenoiseService.Api.Storage;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace DenoiseService.Api.Access;

/// <summary>Says who sent a request and whether its route is open to them, from memory but for a look every few seconds: an answer that lasts asks again and again. Thread-safe.</summary>
internal sealed class AccessGate(KeyRing keys, KeyPresence presence, IOptions<SecurityOptions> options)
{
    private const KeyScopes All = KeyScopes.Inference | KeyScopes.Read | KeyScopes.Admin;
    private const string Bearer = "Bearer ";

    /// <exception cref="Errors.ApiException">401 or 403 if the route is closed to them; 503 if the database is needed and away.</exception>
    public async Task<Caller> AdmitAsync(HttpContext context, CancellationToken cancellationToken)
    {
        KeyScopes needed = context.GetEndpoint()?.Metadata.GetMetadata<ScopeRequirement>()?.Scope ?? KeyScopes.Admin;
        // A key that was sent is looked at wherever keys are not needed too: a client with a wrong one should know.
        if (KeyOf(context.Request) is { } presented)
        {
            Caller caller = await keys.IdentifyAsync(presented, cancellationToken);
            return caller.Scopes.Grants(needed) ? caller : throw AccessRefusals.MissingScope(needed, caller.Scopes);
        }

        // First, for it needs no database.
        if (options.Value.AllowAnonymous && options.Value.AnonymousScopes.Grants(needed)) return Caller.Anonymous(options.Value.AnonymousScopes);
        if (await presence.KeysRequiredAsync(cancellationToken)) throw AccessRefusals.NoKey(needed);
        if (LocalRequest.IsLocal(context)) return Caller.Anonymous(All);
        throw options.Value.AllowAnonymous ? AccessRefusals.NoKey(needed) : AccessRefusals.LocalOnly();
    }

    /// <summary>The key as it was sent, if one was. Other kinds of Authorization are a proxy's business.</summary>
    private static string? KeyOf(HttpRequest request)
    {
        string authorization = request.Headers.Authorization.ToString();
        if (authorization.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase)) return authorization[Bearer.Length..].Trim();
        StringValues header = request.Headers[AccessRefusals.KeyHeader];
        return StringValues.IsNullOrEmpty(header) ? null : header.ToString().Trim();
    }
}
