using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Microsoft.EntityFrameworkCore;

namespace DenoiseService.Api.Storage;

/// <summary>Where a delivery is. Delivered and failed are final.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<DeliveryState>))]
public enum DeliveryState
{
    /// <summary>To be sent, for the first time or again.</summary>
    [JsonStringEnumMemberName("pending")] Pending,

    /// <summary>The receiver answered 2xx.</summary>
    [JsonStringEnumMemberName("delivered")] Delivered,

    /// <summary>Given up.</summary>
    [JsonStringEnumMemberName("failed")] Failed,
}

/// <summary>Why an attempt brought no status, or none was made.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<DeliveryError>))]
public enum DeliveryError
{
    /// <summary>No answer within Webhooks:AttemptSeconds.</summary>
    [JsonStringEnumMemberName("timeout")] Timeout,

    /// <summary>The host's addresses are private, loopback or otherwise not public, and Webhooks:AllowPrivateAddresses is false.</summary>
    [JsonStringEnumMemberName("address-refused")] AddressRefused,

    /// <summary>The address is http, and Webhooks:AllowPrivateAddresses is false.</summary>
    [JsonStringEnumMemberName("http-refused")] HttpRefused,

    /// <summary>The host has no address.</summary>
    [JsonStringEnumMemberName("name-not-resolved")] NameNotResolved,

    /// <summary>Nobody takes the connection.</summary>
    [JsonStringEnumMemberName("not-connected")] NotConnected,

    /// <summary>No TLS, or a certificate that is not trusted.</summary>
    [JsonStringEnumMemberName("tls-failed")] TlsFailed,

    /// <summary>The connection broke, or what came is not HTTP.</summary>
    [JsonStringEnumMemberName("invalid-answer")] InvalidAnswer,

    /// <summary>The webhook was disabled before this was sent.</summary>
    [JsonStringEnumMemberName("webhook-disabled")] WebhookDisabled,
}

/// <summary>
/// One message to one webhook, stored together with the change that it tells of. Without a foreign key: a webhook that is deleted at the same moment must not make a job's change
/// fail. What is left of such a webhook is deleted when it falls due.
/// </summary>
[Index(nameof(State), nameof(NextAttemptAt))]
[Index(nameof(WebhookId), nameof(Id))]
internal sealed class WebhookDelivery
{
    /// <summary>Sorts by age: see <see cref="Ids"/>. Receivers know the message by it: the same at every attempt.</summary>
    [MaxLength(64)]
    public required string Id { get; init; }

    [MaxLength(64)]
    public required string WebhookId { get; init; }

    /// <summary>For instance job.succeeded.</summary>
    [MaxLength(64)]
    public required string Event { get; init; }

    /// <summary>JSON, sent as it is here, byte by byte the same at every attempt.</summary>
    public required string Body { get; init; }

    public DeliveryState State { get; set; }

    /// <summary>Attempts that came to an end.</summary>
    public int Attempts { get; set; }

    /// <summary>HTTP status of the last attempt; null if none came.</summary>
    public int? LastStatus { get; set; }

    /// <summary>Why none came.</summary>
    public DeliveryError? LastError { get; set; }

    public required DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? LastAttemptAt { get; set; }

    /// <summary>Null once the state is final.</summary>
    public DateTimeOffset? NextAttemptAt { get; set; }

    /// <summary>Until then a process is sending it; afterwards any may, for that one has died.</summary>
    public DateTimeOffset? ClaimedUntil { get; set; }

    public DateTimeOffset? FinishedAt { get; set; }

    /// <summary>Concurrency token; the store counts it up at every change that it saves: of two that claim, one is told.</summary>
    [ConcurrencyCheck]
    public long Revision { get; set; }
}
