using DenoiseService.Api.Storage;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Options;
using Npgsql;
using Quartz;

namespace DenoiseService.Api.Jobs.Engine;

/// <summary>
/// Quartz.NET's persistent store wakes the runner: on a SQLite file of its own when embedded, as a cluster in the same PostgreSQL database when scaled out. It decides
/// only who looks at a job next; whether the job runs is decided by its own record (<see cref="JobLease.ClaimAsync"/>). A process that runs no jobs adds
/// to the store and never starts the scheduler.
/// </summary>
internal sealed partial class JobEngine(JobRunner runner, IOptions<StorageOptions> storage, ILoggerFactory logs, ILogger<JobEngine> logger) : IAsyncDisposable
{
    private static readonly JobKey Run = new("run");
    private StandaloneSchedulerFactory? _factory;
    private readonly Lock _lock = new();
    private IScheduler? _scheduler;
    private Task? _stopped;

    /// <summary>Makes the tables if they are not there, and starts waking if this process runs jobs.</summary>
    public async Task StartAsync(bool worker, CancellationToken cancellationToken)
    {
        _factory = QuartzSchedulerBuilder.Create(Configure).Build();
        IScheduler scheduler = await _factory.GetScheduler(cancellationToken);
        await scheduler.AddJob(JobBuilder.Create<Wake>().WithIdentity(Run).StoreDurably().Build(), AddJobOptions.Replacing, cancellationToken);
        if (worker) await scheduler.Start(cancellationToken);
        _scheduler = scheduler;
    }

    /// <summary>Has a worker look at a job now; one that is to be looked at already is left as it is. Never fails: the reconciler comes by anyway.</summary>
    public async Task WakeAsync(string job)
    {
        if (_scheduler is not { } scheduler) return;
        try
        {
            await scheduler.ScheduleTrigger(TriggerBuilder.Create().WithIdentity(job).ForJob(Run).UsingJobData(Wake.Job, job).StartNow().Build(), TriggerConflict.Keep, CancellationToken.None);
        }
        catch (Exception e) when (e is SchedulerException or InvalidOperationException)
        {
            LogPutOff(job, e.GetBaseException().GetType().Name);
        }
    }

    /// <summary>Wakes nobody here any more; others of the cluster do.</summary>
    public async Task StandbyAsync()
    {
        if (_scheduler is not { } scheduler) return;
        try
        {
            await scheduler.Standby();
        }
        catch (SchedulerException e)
        {
            LogPutOff("all", e.GetBaseException().GetType().Name);
        }
    }

    /// <summary>Wakes nobody any more and waits for the jobs of this process, which have been told to stop. A host may call it twice at the same time.</summary>
    public Task StopAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            _stopped ??= Interlocked.Exchange(ref _scheduler, null) is { } scheduler ? scheduler.Shutdown(true, cancellationToken).AsTask() : Task.CompletedTask;
            return _stopped;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_factory is not null) await _factory.DisposeAsync();
    }

    private void Configure(IQuartzBuilder quartz)
    {
        quartz.Services.AddSingleton(logs).AddSingleton(runner);
        quartz.ConfigureScheduler(o =>
        {
            o.InstanceName = "denoise";
            o.IdleWaitTime = TimeSpan.FromSeconds(1); // how soon a worker sees what another process stored
        });
        quartz.UseDefaultThreadPool(1);
        quartz.UsePersistentStore(store =>
        {
            store.ProvisionSchema();
            if (storage.Value.Provider == StorageOptions.PostgreSql)
            {
                store.UsePostgres(NpgsqlFactory.Instance, storage.Value.ConnectionString!);
                store.UseClustering(c => c.CheckinInterval = TimeSpan.FromSeconds(5));
            }
            else
            {
                string file = Path.Combine(storage.Value.Folder, "quartz.db");
                store.UseSqlite(SqliteFactory.Instance, new SqliteConnectionStringBuilder { DataSource = file, DefaultTimeout = 30 }.ConnectionString);
            }
        });
    }

    [LoggerMessage(LogLevel.Warning, "Job {Job} is not scheduled yet ({Error}); the reconciler will do it")]
    private partial void LogPutOff(string job, string error);
}

/// <summary>What Quartz calls.</summary>
internal sealed class Wake(JobRunner runner) : Quartz.IJob
{
    public const string Job = "job";

    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default) => await runner.RunAsync(context.MergedJobDataMap.GetString(Job)!, CancellationToken.None);
}
