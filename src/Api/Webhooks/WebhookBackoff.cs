namespace DenoiseService.Api.Webhooks;

/// <summary>How long a message waits after an attempt that failed.</summary>
internal static class WebhookBackoff
{
    /// <summary>No wait is longer, but for its chance.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromHours(6);

    /// <summary>Twice as long after each attempt, times 0.75 to 1.25, so that messages that failed together do not come back together. Pure.</summary>
    /// <param name="attempts">Made so far, from 1.</param>
    /// <param name="first">The wait after the first one.</param>
    /// <param name="chance">In [0, 1).</param>
    public static TimeSpan After(int attempts, TimeSpan first, double chance)
    {
        double seconds = first.TotalSeconds * Math.Pow(2, attempts - 1);
        return TimeSpan.FromSeconds(Math.Min(seconds, Longest.TotalSeconds) * (0.75 + chance / 2));
    }
}
