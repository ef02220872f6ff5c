namespace DenoiseService.Api.Storage;

/// <summary>At the start and every hour deletes bytes of the database that nothing points to any more, and what killed processes left in the data folder. Several replicas may do so at once.</summary>
internal sealed partial class StorageSweeper(BlobStore blobs, Leftovers leftovers, StorageMonitor monitor, TimeProvider time, ILogger<StorageSweeper> logger) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromHours(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await monitor.MigratedAsync(stoppingToken);
        using var timer = new PeriodicTimer(Period, time);
        do
        {
            try
            {
                int deleted = await blobs.CollectAsync(stoppingToken);
                if (deleted > 0) LogDeleted(deleted);
                int left = await leftovers.SweepAsync(stoppingToken);
                if (left > 0) LogSwept(left);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                LogPutOff(StorageErrors.IsUnavailable(e) ? null : e, e.GetType().Name); // away, or a record took hold of one at the same moment: next time. Whatever it is, a background task that throws would end the service
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    [LoggerMessage(LogLevel.Information, "{Count} stored files that nothing used are deleted")]
    private partial void LogDeleted(int count);

    [LoggerMessage(LogLevel.Information, "{Count} files and folders that killed processes left are deleted")]
    private partial void LogSwept(int count);

    [LoggerMessage(LogLevel.Warning, "Unused stored files could not be deleted ({Error}); trying again later")]
    private partial void LogPutOff(Exception? exception, string error);
}
