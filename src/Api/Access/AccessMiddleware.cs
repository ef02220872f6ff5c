using DenoiseService.Api.Storage;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace DenoiseService.Api.Access;

/// <summary>Decides who a caller is and whether the route is open to it: after routing, and before anything of the body is read or any limit is looked at.</summary>
internal sealed class AccessMiddleware(RequestDelegate next, KeyRing keys, KeyPresence presence, IOptions<SecurityOptions> options)
{
    private const KeyScopes All = KeyScopes.Inference | KeyScopes.Read | KeyScopes.Admin;
    private const string Bearer = "Bearer ";

    public async Task InvokeAsync(HttpContext context)
    {
        // Other endpoints are the router's own refusals (405, 415).
        if (context.GetEndpoint() is RouteEndpoint route && route.Metadata.GetMetadata<IAllowAnonymous>() is null)
        {
            KeyScopes needed = route.Metadata.GetMetadata<ScopeRequirement>()?.Scope ?? KeyScopes.Admin;
            context.Features.Set(await AdmitAsync(context, needed));
        }

        await next(context);
    }

    private async Task<Caller> AdmitAsync(HttpContext context, KeyScopes needed)
    {
        // A key that was sent is looked at wherever keys are not needed too: a client with a wrong one should know.
        if (KeyOf(context.Request) is { } presented)
        {
            Caller caller = await keys.IdentifyAsync(presented, context.RequestAborted);
            return caller.Scopes.Grants(needed) ? caller : throw AccessRefusals.MissingScope(needed, caller.Scopes);
        }

        // First, for it needs no database.
        if (options.Value.AllowAnonymous && options.Value.AnonymousScopes.Grants(needed)) return Caller.Anonymous(options.Value.AnonymousScopes);
        if (await presence.KeysRequiredAsync(context.RequestAborted)) throw AccessRefusals.NoKey(needed);
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
