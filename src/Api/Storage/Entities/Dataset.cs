using System.ComponentModel.DataAnnotations;
using Microsoft.EntityFrameworkCore;

namespace DenoiseService.Api.Storage;

/// <summary>Uploaded pictures; the archive is a blob.</summary>
[Index(nameof(Name), IsUnique = true)]
internal sealed class Dataset
{
    [MaxLength(64)]
    public required string Id { get; init; }

    [MaxLength(100)]
    public required string Name { get; init; }

    public required int PictureCount { get; init; }

    /// <summary>Of all pictures together.</summary>
    public required long Bytes { get; init; }

    /// <summary>Checksum of the pictures: what a job records of its data.</summary>
    [MaxLength(64)]
    public required string Sha256 { get; init; }

    /// <summary>Of the blob that has the archive.</summary>
    [MaxLength(64)]
    public required string ArchiveSha256 { get; init; }

    /// <summary>What became of every file of the upload, as JSON.</summary>
    public required string Report { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }
}
