using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using DenoiseService.Api.Storage;

namespace DenoiseService.Api.Webhooks;

/// <summary>A webhook that is wanted.</summary>
/// <param name="Url" example="https://example.org/hooks/denoise">Where to send to: https, without user name and password, at most 2,000 characters. Its host must have a public address, unless `Webhooks:AllowPrivateAddresses` is set, which permits http too.</param>
/// <param name="Events" example="[&quot;job.succeeded&quot;, &quot;job.failed&quot;, &quot;model.*&quot;]">What to tell: job.running, job.succeeded, job.failed, job.cancelled, job.interrupted, model.registered, model.promoted, and job.* and model.* for all of a family. Absent: everything.</param>
/// <param name="Description" example="the chat of the photo desk">For people, at most 200 characters.</param>
/// <param name="Secret">Key of the signatures: whsec_ and 24 to 64 bytes in base64. Absent: one is made.</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record NewWebhook(
    [property: StringLength(2000, MinimumLength = 1)] string Url,
    [property: MinLength(1)] IReadOnlyList<string>? Events = null,
    [property: StringLength(200)] string? Description = null,
    string? Secret = null);

/// <summary>A webhook, without its secret.</summary>
/// <param name="Id" example="019ab6a0c2f1748d9b6d1d6f2c3e4a5b">Its name in every route.</param>
/// <param name="Url" example="https://example.org/hooks/denoise">Where it leads.</param>
/// <param name="Events" example="[&quot;job.succeeded&quot;, &quot;job.failed&quot;, &quot;model.*&quot;]">What it is told.</param>
/// <param name="Description" example="the chat of the photo desk">For people.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="DisabledAt">When its receiver answered 410, which ends everything; null: it did not.</param>
public sealed record WebhookInfo(string Id, string Url, IReadOnlyList<string> Events, string? Description, DateTimeOffset CreatedAt, DateTimeOffset? DisabledAt)
{
    internal static WebhookInfo Of(Webhook webhook) => new(webhook.Id, webhook.Url, WebhookEvents.FilterOf(webhook), webhook.Description, webhook.CreatedAt, webhook.DisabledAt);
}

/// <summary>A webhook that was just made.</summary>
/// <param name="Secret" example="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=">Key of the signatures: shown this once.</param>
/// <param name="Info">What the list shows of it.</param>
public sealed record MadeWebhook(string Secret, WebhookInfo Info);

/// <summary>All webhooks.</summary>
/// <param name="Webhooks">The newest first, the disabled ones too.</param>
public sealed record WebhookList(IReadOnlyList<WebhookInfo> Webhooks);

/// <summary>One message to one webhook.</summary>
/// <param name="Id" example="019ab6a0c2f1748d9b6d1d6f2c3e4a5b">The header webhook-id, the same at every attempt.</param>
/// <param name="Event" example="job.succeeded">Its type.</param>
/// <param name="State" example="pending">pending, delivered or failed.</param>
/// <param name="Attempts" example="2">Those that came to an end.</param>
/// <param name="LastStatus" example="503">HTTP status of the last attempt; null if none came.</param>
/// <param name="LastError">Why none came; absent if one came.</param>
/// <param name="CreatedAt">When it was stored, together with the change that it tells of.</param>
/// <param name="LastAttemptAt">When the last attempt ended.</param>
/// <param name="NextAttemptAt">When the next one is due; null once the state is final.</param>
/// <param name="FinishedAt">When it was delivered or given up.</param>
public sealed record DeliveryInfo(
    string Id, string Event, DeliveryState State, int Attempts, int? LastStatus, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] DeliveryError? LastError,
    DateTimeOffset CreatedAt, DateTimeOffset? LastAttemptAt, DateTimeOffset? NextAttemptAt, DateTimeOffset? FinishedAt);

/// <summary>Messages to one webhook, the newest first.</summary>
/// <param name="Deliveries">One page of them.</param>
/// <param name="NextCursor">For `?cursor=`; null on the last page.</param>
public sealed record DeliveryPage(IReadOnlyList<DeliveryInfo> Deliveries, string? NextCursor);
