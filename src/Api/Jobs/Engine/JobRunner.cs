using DenoiseService.Api.Datasets;
using DenoiseService.Api.Storage;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Jobs.Engine;

/// <summary>Runs one job at a time, on a thread of its own.</summary>
internal sealed partial class JobRunner(
    JobStore jobs, BlobStore blobs, JobPreparation preparation, JobEnding ending, InferenceFirst inference, WorkerIdentity worker, IOptions<JobsOptions> options, IOptions<StorageOptions> storage, TimeProvider time, ILogger<JobRunner> logger) : IDisposable
{
    private readonly SemaphoreSlim _one = new(1);
    private volatile JobLease? _current;
    private volatile bool _draining;

    /// <summary>Takes a job if it is due, and runs it until it ends or has to stop.</summary>
    public async Task RunAsync(string id, CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken);
        try
        {
            if (_draining) return;
            using JobLease? lease = await JobLease.ClaimAsync(id, jobs, worker, options.Value, time, cancellationToken);
            if (lease is null) return;
            _current = lease;
            if (_draining) lease.Stop(StopReason.Draining); // it began between the two lines above
            await HoldAsync(lease);
        }
        catch (Errors.ApiException)
        {
            // Deleted meanwhile.
        }
        finally
        {
            _current = null;
            _one.Release();
        }
    }

    /// <summary>A job that was cancelled stops at its next step, if this process has it.</summary>
    public void Cancel(string id)
    {
        if (_current is { } lease && lease.Id == id) lease.Stop(StopReason.Cancelled);
    }

    /// <summary>Takes nothing new; what runs stops at its next step, saves its state and is handed back.</summary>
    /// <returns>The job that runs; null if none does.</returns>
    public string? Drain()
    {
        _draining = true;
        JobLease? current = _current;
        current?.Stop(StopReason.Draining);
        return current?.Id;
    }

    /// <summary>Ends when no job runs here.</summary>
    public async Task IdleAsync(CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken);
        _one.Release();
    }

    public void Dispose() => _one.Dispose();

    private async Task HoldAsync(JobLease lease)
    {
        LogStarted(lease.Id, lease.Number);
        try
        {
            using var folder = new JobFolder(storage.Value.Folder, lease.Id, lease.Number);
            JobReporter? reporter = null;
            JobInputs inputs = new(new Dictionary<string, DatasetFolder>(), null);
            Exception? failure = null;
            try
            {
                Job job = await jobs.GetAsync(lease.Id, lease.Stopped);
                inputs = await preparation.PrepareAsync(job, lease, folder);
                reporter = new JobReporter(lease, folder, blobs, inference, options.Value, time);
                await JobThread.RunAsync(options.Value.Threads, () => new JobWork(inputs, folder.Path, reporter, time).Run(job.Kind, job.EffectiveRequest!, lease.Stopped));
            }
            catch (Exception e)
            {
                failure = e;
            }

            string Clean(string message) => inputs.Clean(message, folder.Path);
            try
            {
                await ending.EndAsync(lease, folder, reporter, failure, Clean);
            }
            catch (Exception e) when (e is not LeaseLostException)
            {
                await JobEnding.NoteAsync(lease, e, Clean);
                throw;
            }
        }
        catch (LeaseLostException)
        {
            LogLost(lease.Id, lease.Number);
        }
        catch (Exception e)
        {
            // The job keeps its state: once the lease has run out it is taken again.
            LogAbandoned(e, lease.Id);
        }
        finally
        {
            await lease.ReleaseAsync();
        }
    }

    [LoggerMessage(LogLevel.Information, "Job {Job} runs here, lease {Lease}")]
    private partial void LogStarted(string job, long lease);

    [LoggerMessage(LogLevel.Warning, "Lease {Lease} of job {Job} is lost; nothing more is written")]
    private partial void LogLost(string job, long lease);

    [LoggerMessage(LogLevel.Error, "Job {Job} is left as it is and taken again later")]
    private partial void LogAbandoned(Exception exception, string job);
}
