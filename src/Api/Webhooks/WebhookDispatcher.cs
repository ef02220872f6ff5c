using DenoiseService.Api.Storage;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Webhooks;

/// <summary>
/// Looks every second which webhooks have messages due, and sends to each on a few lanes of its own: a slow receiver keeps back nobody but itself. A lane takes the oldest message first, so
/// messages arrive in order where nothing fails and one lane suffices, and not always otherwise. At the end the lanes take nothing new and finish what they are sending.
/// </summary>
internal sealed partial class WebhookDispatcher(DeliveryQueue queue, WebhookSender sender, StorageMonitor monitor, IOptions<WebhooksOptions> options, TimeProvider time, ILogger<WebhookDispatcher> logger) : BackgroundService
{
    private readonly CancellationTokenSource _impatient = new();
    private readonly List<(string Webhook, Task Work)> _lanes = [];

    /// <summary>What is being sent may end, within its own time and the host's; the rest stays pending for another process or the next start.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        if (ExecuteTask is { } loop) await loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // it opens lanes, also where the host's time is over
        Task sending = Task.WhenAll(_lanes.Select(l => l.Work));
        if (sending.IsCompleted) return; // a host may stop it twice, and have disposed of it in between
        await using CancellationTokenRegistration late = cancellationToken.Register(_impatient.Cancel);
        await sending;
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _impatient.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await monitor.MigratedAsync(stoppingToken);
        while (true)
        {
            try
            {
                await OpenLanesAsync(stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                LogPutOff(e.GetBaseException().GetType().Name);
            }

            await Task.Delay(TimeSpan.FromSeconds(options.Value.PollSeconds), time, stoppingToken);
        }
    }

    private async Task OpenLanesAsync(CancellationToken stoppingToken)
    {
        foreach ((string webhook, int due) in await queue.DueAsync(stoppingToken))
        {
            _lanes.RemoveAll(l => l.Work.IsCompleted);
            int open = _lanes.Count(l => l.Webhook == webhook), more = Math.Min(due, options.Value.Parallel - open);
            for (int i = 0; i < more; i++) _lanes.Add((webhook, Task.Run(() => SendAllAsync(webhook, stoppingToken), CancellationToken.None)));
        }
    }

    /// <summary>One lane: never throws.</summary>
    private async Task SendAllAsync(string webhook, CancellationToken stoppingToken)
    {
        try
        {
            while (!stoppingToken.IsCancellationRequested && await queue.ClaimAsync(webhook, stoppingToken) is { } claim) await SendAsync(claim);
        }
        catch (Exception) when (stoppingToken.IsCancellationRequested)
        {
            // What was not recorded is sent again once its claim has ended.
        }
        catch (Exception e)
        {
            LogPutOff(e.GetBaseException().GetType().Name);
        }
    }

    private async Task SendAsync(ClaimedDelivery claim)
    {
        if (claim.Webhook is null)
        {
            await queue.DropAsync(claim);
            return;
        }

        try
        {
            DeliveryOutcome outcome = claim.Webhook.DisabledAt is null ? await sender.SendAsync(claim.Webhook, claim.Delivery, _impatient.Token) : new DeliveryOutcome(null, DeliveryError.WebhookDisabled);
            if (await queue.RecordAsync(claim, outcome)) Log(claim.Delivery, outcome.Status?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? outcome.Error.ToString()!);
        }
        catch (OperationCanceledException)
        {
            await queue.ReleaseAsync(claim);
        }
    }

    // Ids alone: an address may hold a secret.
    private void Log(WebhookDelivery delivery, string outcome)
    {
        if (delivery.State == DeliveryState.Failed) LogFailed(delivery.Event, delivery.Id, delivery.WebhookId, delivery.Attempts, outcome);
        else if (delivery.State == DeliveryState.Pending) LogAgain(delivery.Event, delivery.Id, delivery.WebhookId, delivery.Attempts, outcome, delivery.NextAttemptAt);
    }

    [LoggerMessage(LogLevel.Warning, "Message {Event} ({Delivery}) to webhook {Webhook} is given up after {Attempts} attempts: {Outcome}")]
    private partial void LogFailed(string @event, string delivery, string webhook, int attempts, string outcome);

    [LoggerMessage(LogLevel.Information, "Message {Event} ({Delivery}) to webhook {Webhook}: attempt {Attempts} came to {Outcome}; the next one is at {Next:u}")]
    private partial void LogAgain(string @event, string delivery, string webhook, int attempts, string outcome, DateTimeOffset? next);

    [LoggerMessage(LogLevel.Warning, "Messages to webhooks could not be looked at ({Error}); trying again")]
    private partial void LogPutOff(string error);
}
