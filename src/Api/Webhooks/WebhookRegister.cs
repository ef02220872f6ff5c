using DenoiseService.Api.Access;
using DenoiseService.Api.Errors;
using DenoiseService.Api.Storage;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Webhooks;

/// <summary>Makes, lists and deletes webhooks, and shows what was sent to them.</summary>
internal sealed partial class WebhookRegister(IDbContextFactory<Store> stores, IOptions<WebhooksOptions> options, TimeProvider time, ILogger<WebhookRegister> logger)
{
    // As it will be read back.
    private DateTimeOffset Now => DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds());

    /// <exception cref="ApiException">400 if a field is out of range; 409 if there are enough.</exception>
    public async Task<Webhook> MakeAsync(NewWebhook wanted, Caller by, CancellationToken cancellationToken)
    {
        var webhook = new Webhook
        {
            Id = Ids.New(time),
            Url = NewWebhookCheck.UrlOf(wanted.Url, options.Value.AllowPrivateAddresses),
            Events = NewWebhookCheck.EventsOf(wanted.Events),
            Description = NewWebhookCheck.DescriptionOf(wanted.Description),
            Secret = NewWebhookCheck.SecretOf(wanted.Secret),
            CreatedAt = Now,
        };
        await using Store store = stores.CreateDbContext();
        // Two requests at the same moment may make it one more: a bound on work, not a promise.
        int count = await store.Webhooks.CountAsync(cancellationToken), most = options.Value.MaxWebhooks;
        if (count >= most) throw new ApiException(ProblemKind.TooManyWebhooks, $"There are {count} webhooks; there may be {most}.") { Parameter = "webhooks", Limit = most, Actual = count };
        store.Add(webhook);
        await store.SaveChangesAsync(cancellationToken);
        LogMade(webhook.Id, webhook.Events, by.Display);
        return webhook;
    }

    /// <summary>The newest first.</summary>
    public async Task<IReadOnlyList<Webhook>> ListAsync(CancellationToken cancellationToken)
    {
        await using Store store = stores.CreateDbContext();
        return await store.Webhooks.AsNoTracking().OrderByDescending(w => w.Id).ToListAsync(cancellationToken);
    }

    /// <exception cref="ApiException">404.</exception>
    public async Task<Webhook> GetAsync(string id, CancellationToken cancellationToken)
    {
        await using Store store = stores.CreateDbContext();
        return await GetAsync(store, id, cancellationToken);
    }

    /// <summary>Deletes it with all its messages; one that is being sent may still arrive.</summary>
    /// <exception cref="ApiException">404.</exception>
    public async Task DeleteAsync(string id, Caller by, CancellationToken cancellationToken)
    {
        await using Store store = stores.CreateDbContext();
        if (await store.Webhooks.Where(w => w.Id == id).ExecuteDeleteAsync(cancellationToken) == 0) throw Unknown(id);
        await store.WebhookDeliveries.Where(d => d.WebhookId == id).ExecuteDeleteAsync(CancellationToken.None);
        LogDeleted(id, by.Display);
    }

    /// <summary>Stores a message for this one alone, whatever its filter says.</summary>
    /// <exception cref="ApiException">404; 409 if it is disabled.</exception>
    public async Task<DeliveryInfo> PingAsync(string id, CancellationToken cancellationToken)
    {
        await using Store store = stores.CreateDbContext();
        Webhook webhook = await GetAsync(store, id, cancellationToken);
        if (webhook.DisabledAt is not null) throw new ApiException(ProblemKind.WebhookDisabled, "The webhook's receiver answered 410; nothing is sent to it any more.") { Parameter = "id", Actual = id };
        DateTimeOffset now = Now;
        WebhookDelivery ping = new WebhookMessage(WebhookEvents.Ping, now, WebhookInfo.Of(webhook)).To(webhook, Ids.New(time), now);
        store.Add(ping);
        await store.SaveChangesAsync(cancellationToken);
        return InfoOf(ping);
    }

    /// <summary>One page of its messages, the newest first.</summary>
    /// <exception cref="ApiException">404.</exception>
    public async Task<DeliveryPage> DeliveriesAsync(string id, string? cursor, int limit, CancellationToken cancellationToken)
    {
        await using Store store = stores.CreateDbContext();
        await GetAsync(store, id, cancellationToken);
        List<DeliveryInfo> page = await store.WebhookDeliveries.AsNoTracking().Where(d => d.WebhookId == id && (cursor == null || string.Compare(d.Id, cursor) < 0)).OrderByDescending(d => d.Id).Take(limit + 1)
            .Select(d => new DeliveryInfo(d.Id, d.Event, d.State, d.Attempts, d.LastStatus, d.LastError, d.CreatedAt, d.LastAttemptAt, d.NextAttemptAt, d.FinishedAt)).ToListAsync(cancellationToken);
        return new DeliveryPage([.. page.Take(limit)], page.Count > limit ? page[limit - 1].Id : null);
    }

    private static async Task<Webhook> GetAsync(Store store, string id, CancellationToken cancellationToken) => await store.Webhooks.AsNoTracking().SingleOrDefaultAsync(w => w.Id == id, cancellationToken) ?? throw Unknown(id);

    private static DeliveryInfo InfoOf(WebhookDelivery d) => new(d.Id, d.Event, d.State, d.Attempts, d.LastStatus, d.LastError, d.CreatedAt, d.LastAttemptAt, d.NextAttemptAt, d.FinishedAt);

    private static ApiException Unknown(string id) => new(ProblemKind.UnknownWebhook, "No webhook has this id.") { Parameter = "id", Actual = id };

    // Never the address: it may hold a secret.
    [LoggerMessage(LogLevel.Information, "Webhook {Webhook} for {Events} was made by {By}")]
    private partial void LogMade(string webhook, string events, string by);

    [LoggerMessage(LogLevel.Information, "Webhook {Webhook} was deleted by {By}")]
    private partial void LogDeleted(string webhook, string by);
}
