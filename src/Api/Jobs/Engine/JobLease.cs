using DenoiseService.Api.Storage;

namespace DenoiseService.Api.Jobs.Engine;

/// <summary>
/// The right to run one job. Its number is a fence: it grows with every owner, and what a worker writes is saved only while the job has its number.
/// The lease is kept by a heartbeat; without one it ends, and the work stops at its next step.
/// </summary>
internal sealed class JobLease : IDisposable
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    private readonly JobStore _jobs;
    private readonly TimeSpan _length;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stop = new(), _released = new();
    private readonly Task _heartbeat;
    private long _renewed;
    private int _reason;

    private JobLease(Job job, JobStore jobs, TimeSpan length, TimeProvider time, long renewed)
    {
        (Id, Number, _jobs, _length, _time, _renewed) = (job.Id, job.LeaseNumber, jobs, length, time, renewed);
        _heartbeat = Task.Run(KeepAsync);
    }

    /// <summary>Of the job.</summary>
    public string Id { get; }

    /// <summary>The fence.</summary>
    public long Number { get; }

    /// <summary>Set when the work has to stop.</summary>
    public CancellationToken Stopped => _stop.Token;

    /// <summary>Why.</summary>
    public StopReason Reason => (StopReason)Volatile.Read(ref _reason);

    /// <summary>Takes the job if it is due and nobody alive has it; what its last owner left is put right on the way.</summary>
    /// <returns>Null if there is nothing to take.</returns>
    public static async Task<JobLease?> ClaimAsync(string id, JobStore jobs, WorkerIdentity worker, JobsOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        bool mine = false;
        long started = time.GetTimestamp();
        Job job = await jobs.ChangeAsync(id, change =>
        {
            mine = false;
            Job found = change.Job;
            if (!worker.IsDue(found, change.Now)) return;
            if (found.State == JobState.Cancelling)
            {
                change.Move(JobState.Cancelled, "Its worker died while it was to stop.");
                return;
            }

            if (found.State == JobState.Running) change.Move(JobState.Interrupted, "Its worker died.");
            if (found.Attempts >= options.MaxAttempts)
            {
                (string fate, string last) = found.Error is { } reason ? ("came to no end", $" The last reason that is known: {reason}") : ("its worker died each time", "");
                found.Error = $"It was started {found.Attempts} times and {fate}; Jobs:MaxAttempts allows no more.{last}";
                change.Move(JobState.Failed, found.Error);
                return;
            }

            mine = true;
            found.LeaseNumber++;
            found.Attempts++;
            found.LeaseOwner = worker.Name;
            found.LeaseExpiresAt = change.Now + options.Lease;
            change.Move(JobState.Running);
        }, cancellationToken);
        return mine ? new JobLease(job, jobs, options.Lease, time, started) : null;
    }

    /// <summary>Saves a change if the lease is still this one.</summary>
    /// <exception cref="LeaseLostException">It is another worker's.</exception>
    public Task<Job> WriteAsync(Action<JobChange> change, CancellationToken cancellationToken = default) => _jobs.ChangeAsync(Id, c =>
    {
        if (c.Job.LeaseNumber != Number || c.Job.State is not (JobState.Running or JobState.Cancelling))
        {
            Stop(StopReason.Lost);
            throw new LeaseLostException();
        }

        change(c);
    }, cancellationToken);

    /// <summary>Makes the work stop at its next step; the first reason holds, but for a lost lease.</summary>
    public void Stop(StopReason reason)
    {
        if (reason == StopReason.Lost) Volatile.Write(ref _reason, (int)reason);
        else Interlocked.CompareExchange(ref _reason, (int)reason, (int)StopReason.None);
        try
        {
            _stop.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It has just ended.
        }
    }

    /// <summary>Before a step: a process that was itself stopped for longer than the lease has lost it.</summary>
    public void Check()
    {
        if (_time.GetElapsedTime(Volatile.Read(ref _renewed)) > _length) Stop(StopReason.Lost);
    }

    /// <summary>Ends the heartbeat.</summary>
    public async Task ReleaseAsync()
    {
        await _released.CancelAsync();
        await _heartbeat.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public void Dispose()
    {
        _stop.Dispose();
        _released.Dispose();
    }

    private async Task KeepAsync()
    {
        TimeSpan pause = _length / 3 < LookEvery ? _length / 3 : LookEvery;
        while (!_released.IsCancellationRequested)
        {
            try
            {
                await Task.Delay(pause, _time, _released.Token);
                long now = _time.GetTimestamp();
                bool renew = _time.GetElapsedTime(Volatile.Read(ref _renewed), now) >= _length / 3;
                Job job = renew ? await WriteAsync(c => c.Job.LeaseExpiresAt = c.Now + _length, _released.Token) : await _jobs.GetAsync(Id, _released.Token);
                if (renew) Volatile.Write(ref _renewed, now);
                if (job.LeaseNumber != Number) Stop(StopReason.Lost);
                else if (job.State == JobState.Cancelling) Stop(StopReason.Cancelled);
            }
            catch (Exception e) when (e is LeaseLostException or Errors.ApiException)
            {
                Stop(StopReason.Lost);
                return;
            }
            catch (Exception) when (!_released.IsCancellationRequested)
            {
                // The database is away: nobody else can take the job from it either, until the lease has run out.
                if (_time.GetElapsedTime(Volatile.Read(ref _renewed)) > _length) Stop(StopReason.Lost);
            }
        }
    }
}
