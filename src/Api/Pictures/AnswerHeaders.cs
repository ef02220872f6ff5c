using DenoiseService.Api.Serving;

namespace DenoiseService.Api.Pictures;

/// <summary>What every answer about a picture tells in its headers.</summary>
internal static class AnswerHeaders
{
    /// <summary>Which weights answered.</summary>
    public const string ModelVersion = "X-Model-Version";

    /// <summary>How long each step took; W3C Server Timing.</summary>
    public const string ServerTiming = "Server-Timing";

    public static void SetModelAndTimings(this HttpResponse response, ServedModel model, RequestClock clock) => response.SetModelAndTimings([model], clock);

    public static void SetModelAndTimings(this HttpResponse response, IReadOnlyList<ServedModel> models, RequestClock clock)
    {
        response.Headers[ModelVersion] = string.Join(", ", models.Select(m => m.Version));
        response.Headers[ServerTiming] = clock.ServerTiming;
    }
}
