using DenoiseService.Api.Errors;
using DenoiseService.Api.Models;
using DenoiseService.Api.Storage;
using DenoiseService.Imaging;
using DenoiseService.Model;
using DenoiseService.Training;
using DenoiseService.Training.Data;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Jobs.Engine;

/// <summary>The end of a run: succeeded, failed, cancelled, or handed back because the service stops.</summary>
internal sealed partial class JobEnding(JobResults results, IOptions<JobsOptions> options, ILogger<JobEnding> logger)
{
    private const int MaxReason = 2000; // characters; a job keeps twice as many

    /// <summary>Says how the job ended, or hands it back.</summary>
    /// <param name="lease">Of the job.</param>
    /// <param name="folder">What it made.</param>
    /// <param name="reporter">For a last checkpoint; null if the work never began.</param>
    /// <param name="failure">What the work threw; null if it came to its end.</param>
    /// <param name="clean">Takes paths out of a message.</param>
    /// <exception cref="LeaseLostException">Nothing was written.</exception>
    public async Task EndAsync(JobLease lease, JobFolder folder, JobReporter? reporter, Exception? failure, Func<string, string> clean)
    {
        if (lease.Reason == StopReason.Lost || failure is LeaseLostException) throw new LeaseLostException();
        if (failure is null)
        {
            try
            {
                await results.StoreAsync(lease, folder);
            }
            catch (Exception e) when (e is CheckpointException or ModelLoadException { InnerException: CheckpointException or ModelConfigException or NonFiniteOutputException })
            {
                failure = e; // the same weights would be refused again
            }
        }

        if (failure is null)
        {
            Job ended = await lease.WriteAsync(c => c.Move(c.Job.State == JobState.Cancelling && c.Job.ResultVersionId is null ? JobState.Cancelled : JobState.Succeeded));
            LogEnded(lease.Id, ended.State);
            return;
        }

        if (failure is OperationCanceledException && lease.Reason != StopReason.None)
        {
            if (reporter is not null) await JobThread.RunAsync(options.Value.Threads, () => reporter.Checkpoint(force: true));
            if (lease.Reason == StopReason.Cancelled) await results.StoreFilesAsync(lease, folder);
            Job stopped = await lease.WriteAsync(c =>
            {
                if (c.Job.State == JobState.Cancelling)
                {
                    c.Move(JobState.Cancelled);
                    return;
                }

                c.Job.Attempts--; // an orderly stop is not what the limit is against
                c.Move(JobState.Interrupted, "The service shut down.");
            });
            LogEnded(lease.Id, stopped.State);
            return;
        }

        LogFailed(failure, lease.Id);
        if (StorageErrors.IsUnavailable(failure)) throw failure;
        await lease.WriteAsync(c =>
        {
            if (c.Job.State == JobState.Cancelling)
            {
                c.Move(JobState.Cancelled);
                return;
            }

            c.Job.Error = ReasonOf(failure, clean);
            c.Move(JobState.Failed, c.Job.Error);
        });
    }

    /// <summary>Notes why a run is given up without an end: the job is taken again, and this may be all that is ever known.</summary>
    public static async Task NoteAsync(JobLease lease, Exception failure, Func<string, string> clean)
    {
        try
        {
            await lease.WriteAsync(c => c.Job.Error = ReasonOf(failure, clean));
        }
        catch (Exception e) when (e is LeaseLostException or ApiException || StorageErrors.IsUnavailable(e))
        {
            // The log has it.
        }
    }

    private static string ReasonOf(Exception failure, Func<string, string> clean) => failure switch
    {
        RecipeException or DataSetException or CheckpointException or ModelLoadException or TrainingDivergedException or NonFiniteOutputException or ImagingException or BlobException or ApiException or OperationCanceledException => Excerpt.Of(clean(failure.Message), MaxReason),
        _ when StorageErrors.IsUnavailable(failure) => "The database was away, full or busy.",
        _ => "An unexpected error; the server's log has it under this job's id.",
    };

    [LoggerMessage(LogLevel.Information, "Job {Job} is {State}")]
    private partial void LogEnded(string job, JobState state);

    [LoggerMessage(LogLevel.Error, "Job {Job} failed")]
    private partial void LogFailed(Exception exception, string job);
}
