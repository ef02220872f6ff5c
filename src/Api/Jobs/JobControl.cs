using DenoiseService.Api.Errors;
using DenoiseService.Api.Jobs.Engine;
using DenoiseService.Api.Storage;

namespace DenoiseService.Api.Jobs;

/// <summary>Stops jobs and has them go on.</summary>
internal sealed class JobControl(JobStore jobs, JobSubmission submission, JobEngine engine, JobRunner runner)
{
    /// <summary>A job without a worker is cancelled now; a running one at its next step. Doing it twice is no error.</summary>
    /// <exception cref="ApiException">404; 409 if it has ended otherwise.</exception>
    public async Task<Job> CancelAsync(string id, CancellationToken cancellationToken)
    {
        Job job = await jobs.ChangeAsync(id, change =>
        {
            change.Job.CancelRequested = true;
            if (change.Job.State is JobState.Cancelling or JobState.Cancelled) return;
            try
            {
                change.Move(change.Job.State == JobState.Running ? JobState.Cancelling : JobState.Cancelled, "Cancelled by request.");
            }
            catch (JobStateException e)
            {
                throw Refused(e.From, "cancelled");
            }
        }, cancellationToken);
        runner.Cancel(id);
        return job;
    }

    /// <summary>An interrupted job goes on at once, and may be started as often as a new one; a failed or cancelled one stays what it is: a new job goes on from its last checkpoint.</summary>
    /// <exception cref="ApiException">404; 409 if there is nothing to go on with.</exception>
    public async Task<Job> ResumeAsync(string id, CancellationToken cancellationToken)
    {
        Job job = await jobs.GetAsync(id, cancellationToken);
        if (job.State is JobState.Failed or JobState.Cancelled) return await submission.ContinueAsync(job, cancellationToken);
        job = await jobs.ChangeAsync(id, change =>
        {
            if (change.Job.State != JobState.Interrupted) throw Refused(change.Job.State, "resumed");
            change.Job.Attempts = 0;
            change.Move(JobState.Queued, "Resumed by request.");
        }, cancellationToken);
        await engine.WakeAsync(id);
        return job;
    }

    private static ApiException Refused(JobState state, string verb) => new(ProblemKind.JobState, $"The job is {state.ToString().ToLowerInvariant()}; it cannot be {verb}.") { Parameter = "state", Actual = state.ToString().ToLowerInvariant() };
}
