using System.Net;
using Microsoft.Extensions.Primitives;

namespace DenoiseService.Api.Access;

/// <summary>
/// Whether a request comes from the service's own machine and from nowhere behind it. The connection must be a loopback one (or have no address: a Unix
/// socket, or a server in the same process). A proxy on this machine forwards the requests of others over such a connection, so one that bears the mark of
/// any proxy does not count, whatever it says: the headers are never believed, only noticed. And the browser of somebody on this machine may be led here by
/// a page from elsewhere: the host must be this machine by name, and a browser must not call the request cross-site.
/// </summary>
internal static class LocalRequest
{
    // X-Original-*: what ASP.NET's own middleware leaves of X-Forwarded-* where it is switched on.
    private static readonly string[] ProxyPrefixes = ["X-Forwarded", "X-Original-"];
    private static readonly string[] ProxyHeaders = ["Forwarded", "Via", "X-Real-IP", "X-Client-IP", "X-Cluster-Client-IP", "True-Client-IP", "CF-Connecting-IP"];

    public static bool IsLocal(HttpContext context)
    {
        HttpRequest request = context.Request;
        return IsLoopback(context.Connection.RemoteIpAddress) && !request.Headers.Keys.Any(MarksProxy) && IsOwnName(request.Host.Host)
            && request.Headers["Sec-Fetch-Site"] is var site && (StringValues.IsNullOrEmpty(site) || site == "same-origin" || site == "none");
    }

    private static bool IsLoopback(IPAddress? address) => address is null || IPAddress.IsLoopback(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address);

    private static bool MarksProxy(string header) =>
        ProxyHeaders.Contains(header, StringComparer.OrdinalIgnoreCase) || ProxyPrefixes.Any(p => header.StartsWith(p, StringComparison.OrdinalIgnoreCase));

    // A name of somebody else's can be made to lead here; these cannot.
    private static bool IsOwnName(string host) =>
        host.Length == 0 || host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host.Trim('[', ']'), out IPAddress? address) && IsLoopback(address));
}
