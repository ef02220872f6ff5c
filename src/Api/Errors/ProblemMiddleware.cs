using System.Globalization;

namespace DenoiseService.Api.Errors;

/// <summary>Turns every exception, and every bare status of the framework, into problem+json.</summary>
internal sealed partial class ProblemMiddleware(RequestDelegate next, ILogger<ProblemMiddleware> logger)
{
    public async Task InvokeAsync(HttpContext context)
    {
        try
        {
            await next(context);
        }
        catch (Exception e)
        {
            ApiException problem = ExceptionTable.Translate(e, context);
            if (problem.Kind.Status >= 500 && e is not ApiException and not OperationCanceledException) LogFailure(e, context.TraceIdentifier);
            if (context.Response.HasStarted) throw;
            context.Response.Clear();
            await WriteAsync(context, problem);
            return;
        }

        HttpResponse response = context.Response;
        if (response is { HasStarted: false, StatusCode: >= 400, ContentLength: null, ContentType: null })
        {
            string allowed = response.Headers.Allow.ToString();
            await WriteAsync(context, new ApiException(ProblemKind.OfStatus(response.StatusCode), Sentence(context, allowed))
            {
                Accepted = allowed.Length > 0 ? allowed.Split(", ") : null,
            });
        }
    }

    private static string Sentence(HttpContext context, string allowed) => context.Response.StatusCode switch
    {
        404 => "No route has this address.",
        405 => $"{context.Request.Method} is not allowed here; {allowed} is.",
        _ => "The request was refused.",
    };

    private static Task WriteAsync(HttpContext context, ApiException problem)
    {
        ProblemKind kind = problem.Kind;
        context.Response.StatusCode = kind.Status;
        if (problem.RetryAfter is { } wait) context.Response.Headers.RetryAfter = wait.TotalSeconds.ToString("0", CultureInfo.InvariantCulture);
        if (problem.Challenge is { } challenge) context.Response.Headers.WWWAuthenticate = challenge;
        // Set again: clearing the answer took it away.
        context.Response.Headers[RequestIdMiddleware.Header] = context.TraceIdentifier;
        var body = new Problem(kind.Type, kind.Title, kind.Status, problem.Message, context.TraceIdentifier)
        {
            Parameter = problem.Parameter,
            Limit = problem.Limit,
            Actual = problem.Actual,
            Accepted = problem.Accepted,
        };
        // Whatever Accept says: a client that wanted a picture still wants to know why there is none.
        return context.Response.WriteAsJsonAsync(body, options: null, contentType: Problem.MediaType, CancellationToken.None);
    }

    [LoggerMessage(LogLevel.Error, "Request {RequestId} failed")]
    private partial void LogFailure(Exception exception, string requestId);
}
