using System.Security.Cryptography;
using DenoiseService.Api.Storage;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Webhooks;

/// <summary>A message that this process may send.</summary>
/// <param name="Delivery">As it was claimed.</param>
/// <param name="Webhook">Where to; null if it was deleted.</param>
internal sealed record ClaimedDelivery(WebhookDelivery Delivery, Webhook? Webhook);

/// <summary>Messages in the database. Any number of processes take from it: who claims one has it until the claim ends, and what a process writes is saved only while its claim is the last.</summary>
internal sealed class DeliveryQueue(IDbContextFactory<Store> stores, IOptions<WebhooksOptions> options, TimeProvider time)
{
    /// <summary>What a claim lasts beyond the attempt: for the database, and for clocks of several machines that differ.</summary>
    public static readonly TimeSpan Margin = TimeSpan.FromSeconds(30);

    private const int Gone = 410;

    /// <summary>The webhooks that have messages due, with how many.</summary>
    public async Task<Dictionary<string, int>> DueAsync(CancellationToken cancellationToken)
    {
        await using Store store = stores.CreateDbContext();
        return await Due(store, time.GetUtcNow()).GroupBy(d => d.WebhookId).Select(g => new { g.Key, Count = g.Count() }).ToDictionaryAsync(g => g.Key, g => g.Count, cancellationToken);
    }

    /// <summary>Takes the oldest message that is due.</summary>
    /// <returns>Null if there is none.</returns>
    public async Task<ClaimedDelivery?> ClaimAsync(string webhookId, CancellationToken cancellationToken)
    {
        while (true)
        {
            await using Store store = stores.CreateDbContext();
            DateTimeOffset now = time.GetUtcNow();
            WebhookDelivery? next = await Due(store, now).Where(d => d.WebhookId == webhookId).OrderBy(d => d.Id).FirstOrDefaultAsync(cancellationToken);
            if (next is null) return null;
            Webhook? webhook = await store.Webhooks.AsNoTracking().SingleOrDefaultAsync(w => w.Id == webhookId, cancellationToken);
            next.ClaimedUntil = now + options.Value.Attempt + Margin;
            try
            {
                await store.SaveChangesAsync(CancellationToken.None);
                return new ClaimedDelivery(next, webhook);
            }
            catch (DbUpdateConcurrencyException)
            {
                // Somebody else was faster.
            }
        }
    }

    /// <summary>Writes what came of it: delivered, given up, or to be tried again later.</summary>
    /// <returns>False if the claim is no longer this one, or the webhook was deleted: then nothing is written.</returns>
    public Task<bool> RecordAsync(ClaimedDelivery claim, DeliveryOutcome outcome) => SaveAsync(claim, (store, delivery) =>
    {
        DateTimeOffset now = time.GetUtcNow();
        (delivery.LastStatus, delivery.LastError) = (outcome.Status, outcome.Error);
        if (outcome.Error != DeliveryError.WebhookDisabled) (delivery.Attempts, delivery.LastAttemptAt) = (delivery.Attempts + 1, now);
        if (outcome.Status == Gone && claim.Webhook is { } webhook)
        {
            store.Attach(webhook);
            webhook.DisabledAt = now;
        }

        if (outcome.Status is >= 200 and < 300) delivery.State = DeliveryState.Delivered;
        else if (outcome.Status == Gone || outcome.Error == DeliveryError.WebhookDisabled || delivery.Attempts >= options.Value.MaxAttempts) delivery.State = DeliveryState.Failed;
        bool final = delivery.State != DeliveryState.Pending;
        delivery.NextAttemptAt = final ? null : now + WebhookBackoff.After(delivery.Attempts, TimeSpan.FromSeconds(options.Value.FirstDelaySeconds), RandomNumberGenerator.GetInt32(1 << 20) / (double)(1 << 20));
        delivery.FinishedAt = final ? now : null;
    });

    /// <summary>Gives it back unsent: any process may take it at once.</summary>
    public Task ReleaseAsync(ClaimedDelivery claim) => SaveAsync(claim, (_, _) => { });

    /// <summary>Deletes it: its webhook is no more.</summary>
    public Task DropAsync(ClaimedDelivery claim) => SaveAsync(claim, (store, delivery) => store.Remove(delivery));

    private async Task<bool> SaveAsync(ClaimedDelivery claim, Action<Store, WebhookDelivery> change)
    {
        await using Store store = stores.CreateDbContext();
        store.Attach(claim.Delivery);
        claim.Delivery.ClaimedUntil = null;
        change(store, claim.Delivery);
        try
        {
            await store.SaveChangesAsync(CancellationToken.None);
            return true;
        }
        catch (DbUpdateConcurrencyException)
        {
            return false;
        }
    }

    private static IQueryable<WebhookDelivery> Due(Store store, DateTimeOffset now) =>
        store.WebhookDeliveries.Where(d => d.State == DeliveryState.Pending && d.NextAttemptAt <= now && (d.ClaimedUntil == null || d.ClaimedUntil <= now));
}
