using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Microsoft.EntityFrameworkCore;

namespace DenoiseService.Api.Storage;

/// <summary>What a job does.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<JobKind>))]
public enum JobKind
{
    /// <summary>Trains one network; ends in a model version.</summary>
    [JsonStringEnumMemberName("training")] Training,

    /// <summary>Trains and compares many networks.</summary>
    [JsonStringEnumMemberName("ablation")] Ablation,

    /// <summary>One noise level in training against many.</summary>
    [JsonStringEnumMemberName("robustness")] Robustness,

    /// <summary>What attention costs as pictures grow.</summary>
    [JsonStringEnumMemberName("scaling")] Scaling,

    /// <summary>Where a network sends its compute.</summary>
    [JsonStringEnumMemberName("routing")] RoutingStudy,

    /// <summary>Measures a model on pictures.</summary>
    [JsonStringEnumMemberName("evaluation")] Evaluation,
}

/// <summary>Where a job is. Succeeded, failed and cancelled are final.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<JobState>))]
public enum JobState
{
    /// <summary>Waits for a worker.</summary>
    [JsonStringEnumMemberName("queued")] Queued,

    /// <summary>A worker has it.</summary>
    [JsonStringEnumMemberName("running")] Running,

    /// <summary>Its worker is to stop it at its next step.</summary>
    [JsonStringEnumMemberName("cancelling")] Cancelling,

    /// <summary>Done.</summary>
    [JsonStringEnumMemberName("succeeded")] Succeeded,

    /// <summary>Ended by an error.</summary>
    [JsonStringEnumMemberName("failed")] Failed,

    /// <summary>Ended by request.</summary>
    [JsonStringEnumMemberName("cancelled")] Cancelled,

    /// <summary>Its worker stopped or died; it goes on by itself.</summary>
    [JsonStringEnumMemberName("interrupted")] Interrupted,
}

/// <summary>One job: the truth about it, whatever the engine believes. Its lineage is text without foreign keys: a record outlives what it came from and what came of it.</summary>
[Index(nameof(Owner), nameof(IdempotencyKey), IsUnique = true)]
[Index(nameof(State))]
internal sealed class Job
{
    /// <summary>Sorts by age: see <see cref="Ids"/>.</summary>
    [MaxLength(64)]
    public required string Id { get; init; }

    public required JobKind Kind { get; init; }

    public JobState State { get; set; }

    /// <summary>JSON as it was sent.</summary>
    public required string Request { get; init; }

    /// <summary>JSON with every default filled in; null until known.</summary>
    public string? EffectiveRequest { get; set; }

    public long Seed { get; set; }

    /// <summary>Id of the key that asked; empty where keys are not in use. Unique together with the idempotency key.</summary>
    [MaxLength(64)]
    public string Owner { get; init; } = "";

    /// <summary>The client's own; null if it sent none.</summary>
    [MaxLength(200)]
    public string? IdempotencyKey { get; init; }

    /// <summary>SHA-256 of the body that came with the idempotency key, lower-case hex.</summary>
    [MaxLength(64)]
    public string? BodySha256 { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? StartedAt { get; set; }

    public DateTimeOffset? FinishedAt { get; set; }

    public DateTimeOffset UpdatedAt { get; set; }

    /// <summary>0 to 100.</summary>
    public double Percent { get; set; }

    public long Step { get; set; }

    /// <summary>Null until known.</summary>
    public long? Steps { get; set; }

    public double? Epoch { get; set; }

    public double? EtaSeconds { get; set; }

    /// <summary>The last ones, as JSON.</summary>
    public string? Metrics { get; set; }

    /// <summary>How often it was started and not stopped in order; above 1 after a crash. A resume counts from 0 again.</summary>
    public int Attempts { get; set; }

    [MaxLength(4000)]
    public string? Error { get; set; }

    public bool CancelRequested { get; set; }

    /// <summary>The worker that may write; null if none.</summary>
    [MaxLength(128)]
    public string? LeaseOwner { get; set; }

    /// <summary>Fencing: one more with each new owner, never less. Who holds an older number may not write.</summary>
    public long LeaseNumber { get; set; }

    public DateTimeOffset? LeaseExpiresAt { get; set; }

    /// <summary>The job that this one goes on from.</summary>
    [MaxLength(64)]
    public string? ParentId { get; init; }

    /// <summary>Of the source that ran it.</summary>
    [MaxLength(64)]
    public string? Commit { get; set; }

    [MaxLength(128)]
    public string? DataChecksum { get; set; }

    /// <summary>The model version that came of it.</summary>
    [MaxLength(64)]
    public string? ResultVersionId { get; set; }

    /// <summary>Concurrency token; the store counts it up at every change that it saves.</summary>
    [ConcurrencyCheck]
    public long Revision { get; set; }
}
