using System.Text.Json;
using DenoiseService.Api.Jobs;
using DenoiseService.Api.Models;
using DenoiseService.Api.Storage;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace DenoiseService.Api.Webhooks;

/// <summary>
/// Adds the messages to the very save that stores what they tell of: a job's event of a new state, a new model version, a line of the promotion log. Both are stored or neither is,
/// whatever happens to the process, and no code that changes a job or a model knows of it.
/// </summary>
internal sealed class WebhookOutbox(TimeProvider time) : SaveChangesInterceptor
{
    public override InterceptionResult<int> SavingChanges(DbContextEventData eventData, InterceptionResult<int> result)
    {
        if (eventData.Context is Store store && IsNews(store)) Add(store, [.. Listening(store)]);
        return result;
    }

    public override async ValueTask<InterceptionResult<int>> SavingChangesAsync(DbContextEventData eventData, InterceptionResult<int> result, CancellationToken cancellationToken = default)
    {
        if (eventData.Context is Store store && IsNews(store)) Add(store, await Listening(store).ToListAsync(cancellationToken));
        return result;
    }

    private static IQueryable<Webhook> Listening(Store store) => store.Webhooks.AsNoTracking().Where(w => w.DisabledAt == null);

    private static bool IsNews(Store store) => Added(store).Any(e => e is JobEvent { Type: JobEvents.State } or ModelVersion or Promotion);

    private void Add(Store store, List<Webhook> webhooks)
    {
        if (webhooks.Count == 0) return;
        DateTimeOffset now = time.GetUtcNow();
        foreach ((int index, WebhookMessage message) in MessagesOf(store).ToArray().Index())
        {
            // A millisecond apart: they sort in the order in which it happened.
            foreach (Webhook webhook in webhooks.Where(w => w.Wants(message.Type))) store.WebhookDeliveries.Add(message.To(webhook, Ids.New(now.AddMilliseconds(index)), now));
        }
    }

    private static IEnumerable<WebhookMessage> MessagesOf(Store store)
    {
        foreach (object added in Added(store))
        {
            switch (added)
            {
                case JobEvent { Type: JobEvents.State } news when store.Jobs.Local.FindEntry(news.JobId)?.Entity is { } job:
                    // The state of the event: within one save a job may go through several.
                    JobState state = JobInfo.Object(news.Data)!["state"].Deserialize<JobState>();
                    if (WebhookEvents.Of(state) is { } type) yield return new WebhookMessage(type, news.At, JobInfo.Of(job) with { State = state });
                    break;
                case ModelVersion version:
                    string[] aliases = [.. store.ModelAliases.Local.Where(a => a.VersionId == version.Id).Select(a => a.Name)];
                    yield return new WebhookMessage(WebhookEvents.ModelRegistered, version.CreatedAt, ModelInfo.Of(version, ModelState.Stored, aliases));
                    break;
                case Promotion { Alias: ModelNames.Champion, ToVersionId: not null } line:
                    yield return new WebhookMessage(WebhookEvents.ModelPromoted, line.At, PromotionInfo.Of(line));
                    break;
            }
        }
    }

    private static IEnumerable<object> Added(Store store) => store.ChangeTracker.Entries().Where(e => e.State == EntityState.Added).Select(e => e.Entity);
}
