namespace DenoiseService.Api.Storage;

/// <summary>Every hour deletes bytes that nothing points to any more. Several replicas may do so at once.</summary>
internal sealed partial class BlobSweeper(BlobStore blobs, StorageMonitor monitor, TimeProvider time, ILogger<BlobSweeper> logger) : BackgroundService
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

    [LoggerMessage(LogLevel.Warning, "Unused stored files could not be deleted ({Error}); trying again later")]
    private partial void LogPutOff(Exception? exception, string error);
}
