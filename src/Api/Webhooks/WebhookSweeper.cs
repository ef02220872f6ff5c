using DenoiseService.Api.Storage;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Webhooks;

/// <summary>Every hour deletes messages that ended long ago. Several replicas may do so at once.</summary>
internal sealed partial class WebhookSweeper(IDbContextFactory<Store> stores, StorageMonitor monitor, IOptions<WebhooksOptions> options, TimeProvider time, ILogger<WebhookSweeper> logger) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromHours(1);

    /// <summary>Once.</summary>
    /// <returns>How many it deleted.</returns>
    public async Task<int> SweepAsync(CancellationToken cancellationToken)
    {
        DateTimeOffset before = time.GetUtcNow() - TimeSpan.FromDays(options.Value.KeepDays);
        await using Store store = stores.CreateDbContext();
        return await store.WebhookDeliveries.Where(d => d.FinishedAt < before).ExecuteDeleteAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await monitor.MigratedAsync(stoppingToken);
        using var timer = new PeriodicTimer(Period, time);
        do
        {
            try
            {
                int deleted = await SweepAsync(stoppingToken);
                if (deleted > 0) LogDeleted(deleted);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                LogPutOff(StorageErrors.IsUnavailable(e) ? null : e, e.GetType().Name); // whatever it is: a background task that throws would end the service
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    [LoggerMessage(LogLevel.Information, "{Count} old messages to webhooks are deleted")]
    private partial void LogDeleted(int count);

    [LoggerMessage(LogLevel.Warning, "Old messages to webhooks could not be deleted ({Error}); trying again later")]
    private partial void LogPutOff(Exception? exception, string error);
}
