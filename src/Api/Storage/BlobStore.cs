using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;

namespace DenoiseService.Api.Storage;

/// <summary>Bytes of any length, known by their checksum. Put first, then save the record that points to them, within <see cref="Grace"/>.</summary>
internal sealed class BlobStore(IDbContextFactory<Store> stores, TimeProvider time)
{
    /// <summary>Length of a piece: what reading and writing hold in memory.</summary>
    public const int ChunkBytes = 1 << 20;

    /// <summary>How long bytes that nothing points to are kept after they were last put.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromHours(1);

    /// <summary>Stores the whole of a seekable stream, once however often it is put; acknowledged means on the disk.</summary>
    /// <returns>SHA-256 in lower-case hex, and the length in bytes.</returns>
    public async Task<(string Sha256, long Length)> PutAsync(Stream content, CancellationToken cancellationToken)
    {
        content.Position = 0;
        string sha256 = Convert.ToHexStringLower(await SHA256.HashDataAsync(content, cancellationToken));
        while (!await TouchAsync(sha256, cancellationToken))
        {
            try
            {
                await InsertAsync(sha256, content, cancellationToken);
                break;
            }
            catch (DbUpdateException e) when (StorageErrors.IsDuplicate(e))
            {
                // Somebody else put the same at the same time.
            }
        }

        return (sha256, content.Length);
    }

    /// <inheritdoc cref="PutAsync(Stream, CancellationToken)"/>
    public async Task<(string Sha256, long Length)> PutAsync(ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        using var stream = new MemoryStream(content.ToArray(), writable: false);
        return await PutAsync(stream, cancellationToken);
    }

    /// <summary>All bytes, their checksum verified.</summary>
    /// <exception cref="BlobException">There are none of this checksum, or they are damaged.</exception>
    public async Task<byte[]> ReadAsync(string sha256, CancellationToken cancellationToken)
    {
        await using Stream stream = await OpenAsync(sha256, cancellationToken);
        byte[] bytes = new byte[stream.Length];
        await stream.ReadExactlyAsync(bytes, cancellationToken);
        return Convert.ToHexStringLower(SHA256.HashData(bytes)) == sha256 ? bytes : throw new BlobException("The stored bytes are damaged.");
    }

    /// <summary>A seekable stream that holds one piece in memory and no connection; its checksum is not verified.</summary>
    /// <exception cref="BlobException">There are none of this checksum.</exception>
    public async Task<Stream> OpenAsync(string sha256, CancellationToken cancellationToken)
    {
        await using Store store = stores.CreateDbContext();
        Blob blob = await store.Blobs.AsNoTracking().SingleOrDefaultAsync(b => b.Sha256 == sha256, cancellationToken) ?? throw new BlobException("There are no bytes of this checksum.");
        return new BlobStream(stores, sha256, blob.Length);
    }

    /// <summary>Deletes what nothing points to.</summary>
    /// <returns>How many.</returns>
    public async Task<int> CollectAsync(CancellationToken cancellationToken)
    {
        DateTimeOffset before = time.GetUtcNow() - Grace;
        await using Store store = stores.CreateDbContext();
        return await store.Blobs.Where(b => b.TouchedAt < before
            && !store.JobCheckpoints.Any(c => c.Sha256 == b.Sha256) && !store.JobArtifacts.Any(a => a.Sha256 == b.Sha256)
            && !store.ModelVersions.Any(v => v.Sha256 == b.Sha256) && !store.Datasets.Any(d => d.ArchiveSha256 == b.Sha256)).ExecuteDeleteAsync(cancellationToken);
    }

    private async Task<bool> TouchAsync(string sha256, CancellationToken cancellationToken)
    {
        DateTimeOffset now = time.GetUtcNow();
        await using Store store = stores.CreateDbContext();
        return await store.Blobs.Where(b => b.Sha256 == sha256).ExecuteUpdateAsync(set => set.SetProperty(b => b.TouchedAt, now), cancellationToken) == 1;
    }

    private async Task InsertAsync(string sha256, Stream content, CancellationToken cancellationToken)
    {
        await using Store store = stores.CreateDbContext();
        await using var transaction = await store.Database.BeginTransactionAsync(cancellationToken);
        store.Blobs.Add(new Blob { Sha256 = sha256, Length = content.Length, TouchedAt = time.GetUtcNow() });
        await store.SaveChangesAsync(cancellationToken);
        content.Position = 0;
        for (int index = 0; content.Position < content.Length; index++)
        {
            byte[] bytes = new byte[(int)Math.Min(ChunkBytes, content.Length - content.Position)];
            await content.ReadExactlyAsync(bytes, cancellationToken);
            store.BlobChunks.Add(new BlobChunk { Sha256 = sha256, Index = index, Bytes = bytes });
            await store.SaveChangesAsync(cancellationToken);
            store.ChangeTracker.Clear();
        }

        await transaction.CommitAsync(cancellationToken);
    }
}

/// <summary>Bytes that should be stored are not there or are damaged.</summary>
internal sealed class BlobException(string message) : Exception(message);
