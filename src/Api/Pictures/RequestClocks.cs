using System.Globalization;
using DenoiseService.Api.Access;
using DenoiseService.Api.Errors;
using DenoiseService.Api.Serving;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Pictures;

/// <summary>
/// Starts the clock of a request, where the request log finds it: the server's time limit, which the client may lower. The answer has the server's limit again to be sent: who does not read it would
/// hold its place and its bytes for ever.
/// </summary>
internal sealed class RequestClocks(IOptions<InferenceOptions> options, TimeProvider time)
{
    /// <summary>The header that lowers the limit.</summary>
    public const string TimeoutHeader = "X-Request-Timeout-Ms";

    /// <exception cref="ApiException">400 if the header is no whole number of milliseconds.</exception>
    public RequestClock Start(HttpContext context)
    {
        double limit = options.Value.RequestTimeoutSeconds * 1000;
        string asked = context.Request.Headers[TimeoutHeader].ToString();
        if (asked.Length == 0) return Of(limit);
        bool read = long.TryParse(asked, NumberStyles.None, CultureInfo.InvariantCulture, out long milliseconds) && milliseconds >= 1;
        return read ? Of(Math.Min(limit, milliseconds)) : throw RequestFields.Invalid(TimeoutHeader, asked, "a whole number of milliseconds from 1", asked);

        RequestClock Of(double ms)
        {
            var clock = new RequestClock(time, TimeSpan.FromMilliseconds(ms), context.RequestAborted) { Caller = context.GetCaller() };
            context.Features.Set(clock);
            IHttpRequestLifetimeFeature lifetime = context.Features.GetRequiredFeature<IHttpRequestLifetimeFeature>();
            // Its end is awaited: a late one would cut off the connection's next request.
            context.Response.RegisterForDisposeAsync(time.CreateTimer(_ => lifetime.Abort(), null, TimeSpan.FromMilliseconds(ms + limit), Timeout.InfiniteTimeSpan));
            return clock;
        }
    }
}
