using System.Text.Json;
using System.Text.Json.Serialization;
using DenoiseService.Api.Storage;

namespace DenoiseService.Api.Webhooks;

/// <summary>What a receiver gets: the body of the request.</summary>
/// <param name="Type">As in <see cref="WebhookEvents"/>.</param>
/// <param name="Timestamp">When it happened.</param>
/// <param name="Data">The contract that a route gives.</param>
internal sealed record WebhookMessage(string Type, DateTimeOffset Timestamp, object Data)
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerOptions.Web) { Converters = { new Milliseconds() } };

    /// <summary>The record to store for one webhook; due at once.</summary>
    public WebhookDelivery To(Webhook webhook, string id, DateTimeOffset now) =>
        new() { Id = id, WebhookId = webhook.Id, Event = Type, Body = JsonSerializer.Serialize(this, Options), CreatedAt = now, NextAttemptAt = now };

    /// <summary>Times as the database keeps them and the routes will show them.</summary>
    private sealed class Milliseconds : JsonConverter<DateTimeOffset>
    {
        public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.GetDateTimeOffset();

        public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) => writer.WriteStringValue(DateTimeOffset.FromUnixTimeMilliseconds(value.ToUnixTimeMilliseconds()));
    }
}
