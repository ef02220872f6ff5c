using DenoiseService.Api.Storage;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Jobs.Engine;

/// <summary>
/// Starts the engine once the tables are there, then looks at every unfinished job, now and every minute: what is due and has no live owner is scheduled, whatever the
/// engine believes. Deletes what is past its time. At the stop signal it has the running job save its state and handed back.
/// </summary>
internal sealed partial class JobReconciler(
    IDbContextFactory<Store> stores, JobEngine engine, JobRunner runner, WorkerIdentity worker, StorageMonitor monitor, IOptions<JobsOptions> options, IOptions<RolesOptions> roles,
    IOptions<StorageOptions> storage, TimeProvider time, ILogger<JobReconciler> logger) : BackgroundService, IHostedLifecycleService
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(1);
    private readonly Lock _lock = new();
    private string? _handedBack;
    private Task? _stopped;

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>The job begins to stop while requests are still served.</summary>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        await engine.StandbyAsync();
        _handedBack = runner.Drain();
    }

    /// <summary>By now the server has ended; what is left of its time is the job's. A host may call it twice: the second finds the first one's work.</summary>
    public override Task StopAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            return _stopped ??= StopOnceAsync(cancellationToken);
        }
    }

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>One look.</summary>
    /// <returns>When the next one is wanted at the latest: a lease may run out before the minute is over.</returns>
    public async Task<TimeSpan> ReconcileAsync(CancellationToken cancellationToken)
    {
        DateTimeOffset now = time.GetUtcNow();
        TimeSpan next = TimeSpan.FromSeconds(options.Value.ReconcileSeconds);
        string[] folders = WorkingFolders(); // before the jobs are read: what one gets that is stored and claimed meanwhile is not among them
        await using Store store = stores.CreateDbContext();
        List<Job> open = await store.Jobs.AsNoTracking().Open().OrderBy(j => j.Id).ToListAsync(cancellationToken);
        foreach (Job job in open)
        {
            if (worker.IsDue(job, now)) await engine.WakeAsync(job.Id);
            else if (job.LeaseExpiresAt - now is { } left && left + Soon < next) next = left + Soon;
        }

        worker.Sweep(open.Select(j => j.LeaseOwner).OfType<string>().ToHashSet());
        Sweep(folders, open.Select(j => j.Id).ToHashSet());
        DateTimeOffset before = now - TimeSpan.FromDays(options.Value.KeepDays);
        int deleted = await store.Jobs.Where(j => j.FinishedAt != null && j.FinishedAt < before).ExecuteDeleteAsync(cancellationToken);
        if (deleted > 0) LogDeleted(deleted);
        return next < TimeSpan.Zero ? TimeSpan.Zero : next;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await monitor.MigratedAsync(stoppingToken);
        bool started = false;
        while (!stoppingToken.IsCancellationRequested)
        {
            TimeSpan next = Soon;
            try
            {
                if (!started)
                {
                    if (roles.Value.Worker) worker.Hold();
                    await engine.StartAsync(roles.Value.Worker, stoppingToken);
                    started = true;
                }

                next = roles.Value.Worker ? await ReconcileAsync(stoppingToken) : TimeSpan.FromSeconds(options.Value.ReconcileSeconds);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                LogPutOff(e);
            }

            await Task.Delay(next, time, stoppingToken);
        }
    }

    private async Task StopOnceAsync(CancellationToken cancellationToken)
    {
        try
        {
            await runner.IdleAsync(cancellationToken);
            if (_handedBack is { } job) await engine.WakeAsync(job); // another worker, or the next start, has it at once
            await engine.StopAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            LogImpatient();
        }

        await base.StopAsync(cancellationToken);
    }

    private string[] WorkingFolders()
    {
        string folder = Path.Combine(storage.Value.Folder, "jobs");
        return Directory.Exists(folder) ? Directory.GetDirectories(folder) : [];
    }

    /// <summary>Deletes what dead workers left of jobs that have ended.</summary>
    private static void Sweep(string[] folders, HashSet<string> open)
    {
        foreach (string left in folders.Where(f => !open.Contains(Path.GetFileName(f))))
        {
            try
            {
                Directory.Delete(left, recursive: true);
            }
            catch (DirectoryNotFoundException)
            {
                // Its worker lives, and has just deleted it.
            }
        }
    }

    [LoggerMessage(LogLevel.Information, "{Count} jobs past their time are deleted")]
    private partial void LogDeleted(int count);

    [LoggerMessage(LogLevel.Warning, "Jobs could not be looked at; trying again")]
    private partial void LogPutOff(Exception exception);

    [LoggerMessage(LogLevel.Warning, "The running job did not stop in time; it goes on from its last checkpoint")]
    private partial void LogImpatient();
}
