using System.ComponentModel.DataAnnotations;
using Microsoft.EntityFrameworkCore;

namespace DenoiseService.Api.Storage;

/// <summary>Bytes, known by their checksum and stored once; written and read by <see cref="BlobStore"/>. Checkpoints, artifacts, versions and data sets point here.</summary>
[Index(nameof(TouchedAt))]
internal sealed class Blob
{
    /// <summary>Lower-case hex.</summary>
    [Key, MaxLength(64)]
    public required string Sha256 { get; init; }

    /// <summary>Bytes.</summary>
    public required long Length { get; init; }

    /// <summary>When it was last put: one that nothing points to is kept for a while after this.</summary>
    public required DateTimeOffset TouchedAt { get; set; }
}

/// <summary>A piece of a blob: a table of its own, so that no list ever loads bytes and no file has to fit in memory.</summary>
[PrimaryKey(nameof(Sha256), nameof(Index))]
internal sealed class BlobChunk
{
    [MaxLength(64)]
    public required string Sha256 { get; init; }

    /// <summary>From 0.</summary>
    public required int Index { get; init; }

    /// <summary>All but the last have <see cref="BlobStore.ChunkBytes"/> bytes.</summary>
    public required byte[] Bytes { get; init; }
}
