using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Serving;

/// <summary>
/// The way down: the stop signal makes the service "not ready" while it still takes requests, for as long as a load balancer needs to notice; then
/// it takes none; then the server ends, which waits for the admitted ones.
/// </summary>
internal sealed partial class DrainService(Admission admission, IOptions<InferenceOptions> options, IHostApplicationLifetime lifetime, TimeProvider time, ILogger<DrainService> logger)
    : IHostedLifecycleService
{
    private volatile bool _draining;

    /// <summary>True from the stop signal on.</summary>
    public bool Draining => _draining || lifetime.ApplicationStopping.IsCancellationRequested;

    /// <summary>Runs before any service is stopped, the web server included.</summary>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        _draining = true;
        TimeSpan drain = TimeSpan.FromSeconds(options.Value.DrainSeconds);
        LogDraining(drain.TotalSeconds, admission.PendingRequests);
        await Task.Delay(drain, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        admission.Close();
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(LogLevel.Information, "Draining: not ready from now on, requests are taken for {Seconds} s more, {Pending} are pending")]
    private partial void LogDraining(double seconds, int pending);
}
