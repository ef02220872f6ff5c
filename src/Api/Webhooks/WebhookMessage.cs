using System.Text.Json;
using DenoiseService.Api.Storage;

namespace DenoiseService.Api.Webhooks;

/// <summary>What a receiver gets: the body of the request.</summary>
/// <param name="Type">As in <see cref="WebhookEvents"/>.</param>
/// <param name="Timestamp">When it happened.</param>
/// <param name="Data">The contract that a route gives.</param>
internal sealed record WebhookMessage(string Type, DateTimeOffset Timestamp, object Data)
{
    /// <summary>The record to store for one webhook; due at once.</summary>
    public WebhookDelivery To(Webhook webhook, string id, DateTimeOffset now) =>
        new() { Id = id, WebhookId = webhook.Id, Event = Type, Body = JsonSerializer.Serialize(this, JsonSerializerOptions.Web), CreatedAt = now, NextAttemptAt = now };
}
