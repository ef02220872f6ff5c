using System.Collections.Concurrent;
using DenoiseService.Api.Storage;
using Microsoft.EntityFrameworkCore;

namespace DenoiseService.Api.Access;

/// <summary>Notes when each key was last used: in memory at each request, in the database once a minute and at the end. Thread-safe.</summary>
internal sealed partial class KeyUsage(IDbContextFactory<Store> stores, TimeProvider time, ILogger<KeyUsage> logger) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromMinutes(1);
    private readonly ConcurrentDictionary<string, DateTimeOffset> _used = new();

    /// <summary>A stored key was used now.</summary>
    public void Used(string id) => _used[id] = time.GetUtcNow();

    /// <summary>Writes what was noted since the last time.</summary>
    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        if (_used.IsEmpty) return;
        await using Store store = stores.CreateDbContext();
        foreach ((string id, DateTimeOffset at) in _used)
        {
            // Another replica may have seen it later.
            await store.ApiKeys.Where(k => k.Id == id && (k.LastUsedAt == null || k.LastUsedAt < at)).ExecuteUpdateAsync(k => k.SetProperty(x => x.LastUsedAt, at), cancellationToken);
            _used.TryRemove(KeyValuePair.Create(id, at)); // stays if it was used meanwhile
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await TryFlushAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        while (await timer.WaitForNextTickAsync(stoppingToken)) await TryFlushAsync(stoppingToken);
    }

    private async Task TryFlushAsync(CancellationToken cancellationToken)
    {
        try
        {
            await FlushAsync(cancellationToken);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            LogPutOff(StorageErrors.IsUnavailable(e) ? null : e, e.GetType().Name); // whatever it is: a background task that throws would end the service
        }
    }

    [LoggerMessage(LogLevel.Warning, "When keys were last used could not be written ({Error}); trying again later")]
    private partial void LogPutOff(Exception? exception, string error);
}
