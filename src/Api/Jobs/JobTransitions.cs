using DenoiseService.Api.Storage;

namespace DenoiseService.Api.Jobs;

/// <summary>The one place that decides which state may follow which, and the only one that writes a job's state.</summary>
internal static class JobTransitions
{
    /// <summary>Whether one state may follow another. Pure.</summary>
    public static bool May(JobState from, JobState to) => (from, to) switch
    {
        (JobState.Queued, JobState.Running or JobState.Cancelled) => true,
        (JobState.Running, JobState.Cancelling or JobState.Succeeded or JobState.Failed or JobState.Interrupted) => true,
        // Succeeded: the request to cancel came when the result was already registered.
        (JobState.Cancelling, JobState.Cancelled or JobState.Succeeded) => true,
        // Failed: it was started too often.
        (JobState.Interrupted, JobState.Queued or JobState.Running or JobState.Cancelled or JobState.Failed) => true,
        _ => false,
    };

    /// <summary>Whether nothing follows.</summary>
    public static bool IsFinal(this JobState state) => state is JobState.Succeeded or JobState.Failed or JobState.Cancelled;

    /// <summary>Those in no such state.</summary>
    public static IQueryable<Job> Open(this IQueryable<Job> jobs) =>
        jobs.Where(j => j.State == JobState.Queued || j.State == JobState.Running || j.State == JobState.Cancelling || j.State == JobState.Interrupted);

    /// <summary>Moves a job to its next state, with the times that belong to it; without a worker it has no lease.</summary>
    /// <exception cref="JobStateException">Nothing leads there.</exception>
    public static void Move(this Job job, JobState to, DateTimeOffset now)
    {
        if (!May(job.State, to)) throw new JobStateException(job.State, to);
        job.State = to;
        if (to == JobState.Running) job.StartedAt ??= now;
        if (to.IsFinal())
        {
            job.FinishedAt = now;
            job.EtaSeconds = null;
            if (to != JobState.Failed) job.Error = null; // what was noted of a run that was given up
        }

        if (to is JobState.Running or JobState.Cancelling) return;
        job.LeaseOwner = null;
        job.LeaseExpiresAt = null;
    }
}

/// <summary>A job cannot go from one state to another.</summary>
internal sealed class JobStateException(JobState from, JobState to) : Exception($"A job that is {from} cannot become {to}.")
{
    public JobState From { get; } = from;
}
