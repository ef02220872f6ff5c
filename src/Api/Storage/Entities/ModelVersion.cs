using System.ComponentModel.DataAnnotations;
using Microsoft.EntityFrameworkCore;

namespace DenoiseService.Api.Storage;

/// <summary>Weights with where they came from. Never changed: the store refuses it. The weights, a safetensors file, are a blob.</summary>
[Index(nameof(Sha256), IsUnique = true)]
internal sealed class ModelVersion
{
    /// <summary>Sorts by age: see <see cref="Ids"/>.</summary>
    [MaxLength(64)]
    public required string Id { get; init; }

    /// <summary>For people; not unique.</summary>
    [MaxLength(100)]
    public required string Name { get; init; }

    /// <summary>Of the weights and of their blob. Unique: the same weights are one version.</summary>
    [MaxLength(64)]
    public required string Sha256 { get; init; }

    /// <summary>Bytes of the weights.</summary>
    public required long Length { get; init; }

    /// <summary>The network's configuration, as JSON.</summary>
    public required string Config { get; init; }

    /// <summary>The checkpoint's card, as JSON.</summary>
    public required string Card { get; init; }

    /// <summary>How many numbers the network has.</summary>
    public required long Parameters { get; init; }

    /// <summary>JSON.</summary>
    public string? Metrics { get; init; }

    /// <summary>The job that made it; null for shipped and uploaded ones. No foreign key: the version outlives the job's record.</summary>
    [MaxLength(64)]
    public string? SourceJobId { get; init; }

    public long? Seed { get; init; }

    [MaxLength(128)]
    public string? DataChecksum { get; init; }

    [MaxLength(64)]
    public string? Commit { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }
}
