using System.Text.RegularExpressions;

namespace DenoiseService.Api.Errors;

/// <summary>Every request has an id: the client's own where it is short and plain, else a new one. It is in the answer, in errors and in the log.</summary>
internal sealed partial class RequestIdMiddleware(RequestDelegate next)
{
    /// <summary>The header, both ways.</summary>
    public const string Header = "X-Request-Id";

    public Task InvokeAsync(HttpContext context)
    {
        string sent = context.Request.Headers[Header].ToString();
        context.TraceIdentifier = Sane().IsMatch(sent) ? sent : Guid.NewGuid().ToString("N");
        context.Response.Headers[Header] = context.TraceIdentifier;
        return next(context);
    }

    // Goes into logs and headers: no blanks, no control characters, no end of lines.
    [GeneratedRegex(@"\A[A-Za-z0-9._-]{1,64}\z")]
    private static partial Regex Sane();
}
