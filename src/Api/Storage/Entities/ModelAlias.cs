using System.ComponentModel.DataAnnotations;

namespace DenoiseService.Api.Storage;

/// <summary>A name that points to a version: champion, candidate, previous. A version that has one cannot be deleted.</summary>
internal sealed class ModelAlias
{
    [Key, MaxLength(64)]
    public required string Name { get; init; }

    [MaxLength(64)]
    public required string VersionId { get; set; }

    public required DateTimeOffset UpdatedAt { get; set; }

    /// <summary>Only grows: the store counts it up at every change, and replicas that poll see by it that something changed. Also the concurrency token.</summary>
    [ConcurrencyCheck]
    public long Revision { get; set; }
}
