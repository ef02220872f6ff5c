using System.ComponentModel.DataAnnotations;
using Microsoft.EntityFrameworkCore;

namespace DenoiseService.Api.Storage;

/// <summary>A file that a job made: report, table, figure, sample. The bytes are a blob.</summary>
[Index(nameof(JobId), nameof(Name), IsUnique = true)]
internal sealed class JobArtifact
{
    [MaxLength(64)]
    public required string Id { get; init; }

    [MaxLength(64)]
    public required string JobId { get; init; }

    /// <summary>Unique in its job.</summary>
    [MaxLength(200)]
    public required string Name { get; init; }

    [MaxLength(128)]
    public required string MediaType { get; set; }

    /// <summary>Of the blob.</summary>
    [MaxLength(64)]
    public required string Sha256 { get; set; }

    /// <summary>Bytes.</summary>
    public required long Length { get; set; }

    public required DateTimeOffset CreatedAt { get; init; }
}
