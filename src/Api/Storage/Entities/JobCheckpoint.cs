using System.ComponentModel.DataAnnotations;
using Microsoft.EntityFrameworkCore;

namespace DenoiseService.Api.Storage;

/// <summary>A point that a job can go on from; the bytes are a blob.</summary>
[PrimaryKey(nameof(JobId), nameof(Step))]
internal sealed class JobCheckpoint
{
    [MaxLength(64)]
    public required string JobId { get; init; }

    public required long Step { get; init; }

    /// <summary>Of the blob.</summary>
    [MaxLength(64)]
    public required string Sha256 { get; init; }

    /// <summary>Bytes.</summary>
    public required long Length { get; init; }

    /// <summary>JSON.</summary>
    public string? Metrics { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }
}
