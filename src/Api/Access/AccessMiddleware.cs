using Microsoft.AspNetCore.Authorization;

namespace DenoiseService.Api.Access;

/// <summary>Decides who a caller is and whether the route is open to it: after routing, and before anything of the body is read or any limit is looked at.</summary>
internal sealed class AccessMiddleware(RequestDelegate next, AccessGate gate)
{
    public async Task InvokeAsync(HttpContext context)
    {
        // Other endpoints are the router's own refusals (405, 415).
        if (context.GetEndpoint() is RouteEndpoint route && route.Metadata.GetMetadata<IAllowAnonymous>() is null) context.Features.Set(await gate.AdmitAsync(context, context.RequestAborted));
        await next(context);
    }
}
