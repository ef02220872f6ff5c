using DenoiseService.Api.Storage;

namespace DenoiseService.Api.Webhooks;

/// <summary>The types of messages, and the filters that choose among them.</summary>
internal static class WebhookEvents
{
    public const string JobRunning = "job.running", JobSucceeded = "job.succeeded", JobFailed = "job.failed", JobCancelled = "job.cancelled", JobInterrupted = "job.interrupted";
    public const string ModelRegistered = "model.registered", ModelPromoted = "model.promoted";
    public const string AllJobs = "job.*", AllModels = "model.*";

    /// <summary>Sent only on request.</summary>
    public const string Ping = "ping";

    /// <summary>What a filter may name.</summary>
    public static IReadOnlyList<string> Filters { get; } = [AllJobs, JobRunning, JobSucceeded, JobFailed, JobCancelled, JobInterrupted, AllModels, ModelRegistered, ModelPromoted];

    /// <summary>The filter of a webhook that names none.</summary>
    public static IReadOnlyList<string> Everything { get; } = [AllJobs, AllModels];

    /// <summary>What is told when a job gets to a state; null: nothing.</summary>
    public static string? Of(JobState state) => state switch
    {
        JobState.Running => JobRunning,
        JobState.Succeeded => JobSucceeded,
        JobState.Failed => JobFailed,
        JobState.Cancelled => JobCancelled,
        JobState.Interrupted => JobInterrupted,
        _ => null,
    };

    /// <summary>The filter as it is stored.</summary>
    public static string Join(IEnumerable<string> filter) => string.Join(',', filter);

    /// <summary>The filter of a webhook.</summary>
    public static string[] FilterOf(Webhook webhook) => webhook.Events.Split(',');

    /// <summary>Whether a webhook wants messages of a type.</summary>
    public static bool Wants(this Webhook webhook, string type) => FilterOf(webhook).Any(f => f == type || (f.EndsWith('*') && type.StartsWith(f[..^1], StringComparison.Ordinal)));
}
