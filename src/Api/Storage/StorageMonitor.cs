using System.Data.Common;
using DenoiseService.Api.Errors;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Storage;

/// <summary>
/// Migrates before the server listens, then looks at the database every few seconds. While it cannot be reached the service is not ready; it comes back by itself.
/// A service that needs the tables at its start awaits <see cref="MigratedAsync"/>.
/// </summary>
internal sealed partial class StorageMonitor(StoreFactory stores, StorageMigrator migrator, IOptions<StorageOptions> options, TimeProvider time, ILogger<StorageMonitor> logger)
    : BackgroundService, IHostedLifecycleService
{
    private readonly TaskCompletionSource _migrated = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile string? _problem = "The database is not open yet.";
    private bool _reported;

    /// <summary>Why the database cannot be used; null if it can. Fit for clients.</summary>
    public string? Problem => _problem;

    /// <summary>Ends once the tables are up to date: usually before the server listens, later where the database was away at the start.</summary>
    public Task MigratedAsync(CancellationToken cancellationToken) => _migrated.Task.WaitAsync(cancellationToken);

    /// <exception cref="ApiException">503 while the tables are not up to date, as where the database was away at the start.</exception>
    public void DemandTables()
    {
        if (!_migrated.Task.IsCompleted) throw new ApiException(ProblemKind.StorageUnavailable, "The database is not open yet; try again.") { RetryAfter = TimeSpan.FromSeconds(Math.Ceiling(options.Value.CheckSeconds)) };
    }

    /// <summary>Runs before any service is started, the web server included.</summary>
    public Task StartingAsync(CancellationToken cancellationToken) => CheckAsync(cancellationToken);

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(options.Value.CheckSeconds), time);
        while (await timer.WaitForNextTickAsync(stoppingToken)) await CheckAsync(stoppingToken);
    }

    private async Task CheckAsync(CancellationToken cancellationToken)
    {
        try
        {
            // A server that takes the connection and says nothing does not let go when asked to.
            await (_migrated.Task.IsCompleted ? ProbeAsync(cancellationToken) : MigrateAsync(cancellationToken)).WaitAsync(cancellationToken);
            if (_reported) LogBack();
            _reported = false;
            _problem = null;
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            // The stop signal, perhaps during the start: no news of the database.
        }
        catch (Exception e)
        {
            stores.ForgetConnections();
            _problem = "The database cannot be reached.";
            // Not the message: it may name the server or the file.
            if (!_reported) LogAway(e.GetBaseException().GetType().Name, (e as DbException ?? e.GetBaseException() as DbException)?.SqlState ?? "none", e.GetBaseException().HResult);
            _reported = true;
        }
    }

    private async Task MigrateAsync(CancellationToken cancellationToken)
    {
        long started = time.GetTimestamp();
        await migrator.MigrateAsync(cancellationToken);
        LogMigrated(options.Value.Provider, time.GetElapsedTime(started).TotalMilliseconds);
        _migrated.TrySetResult();
    }

    private async Task ProbeAsync(CancellationToken cancellationToken)
    {
        // An open connection does not notice that its file was taken away.
        if (options.Value.Provider == StorageOptions.Sqlite && !File.Exists(options.Value.SqliteFile)) throw new FileNotFoundException();
        await using Store store = stores.CreateDbContext();
        store.Database.SetCommandTimeout(TimeSpan.FromSeconds(5));
        await store.ModelAliases.AsNoTracking().Select(a => a.Revision).OrderBy(r => r).FirstOrDefaultAsync(cancellationToken);
    }

    [LoggerMessage(LogLevel.Information, "The {Provider} database is open, its tables are up to date after {Milliseconds:0} ms")]
    private partial void LogMigrated(string provider, double milliseconds);

    [LoggerMessage(LogLevel.Error, "The database cannot be reached ({Error}, SQL state {SqlState}, code {Code}); trying again")]
    private partial void LogAway(string error, string sqlState, int code);

    [LoggerMessage(LogLevel.Information, "The database is back")]
    private partial void LogBack();
}
