using System.ComponentModel.DataAnnotations;

namespace DenoiseService.Api.Storage;

/// <summary>An address that is told what happens to jobs and models.</summary>
internal sealed class Webhook
{
    /// <summary>Sorts by age: see <see cref="Ids"/>.</summary>
    [MaxLength(64)]
    public required string Id { get; init; }

    /// <summary>Absolute, without user name and password.</summary>
    [MaxLength(2000)]
    public required string Url { get; init; }

    /// <summary>What it wants to be told, with commas between: event types, or a family such as "job.*".</summary>
    [MaxLength(500)]
    public required string Events { get; init; }

    [MaxLength(200)]
    public string? Description { get; init; }

    /// <summary>Key of the signatures, 24 to 64 bytes. Kept as it is, for signing needs it: no hash would do.</summary>
    [MaxLength(64)]
    public required byte[] Secret { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When its receiver said that it is gone for good (410); null: it is told.</summary>
    public DateTimeOffset? DisabledAt { get; set; }
}
