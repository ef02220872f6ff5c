using Microsoft.EntityFrameworkCore;

namespace DenoiseService.Api.Storage;

/// <summary>Reads a blob piece by piece, each with a query of its own: a slow reader holds no connection.</summary>
internal sealed class BlobStream(IDbContextFactory<Store> stores, string sha256, long length) : Stream
{
    private byte[] _chunk = [];
    private int _index = -1;

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => length;

    public override long Position { get; set; }

    private int IndexHere => (int)(Position / BlobStore.ChunkBytes);

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        if (Position >= length || buffer.IsEmpty) return 0;
        if (_index != IndexHere)
        {
            using Store store = stores.CreateDbContext();
            Keep(Chunk(store).SingleOrDefault());
        }

        return Take(buffer);
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (Position >= length || buffer.IsEmpty) return 0;
        if (_index != IndexHere)
        {
            await using Store store = stores.CreateDbContext();
            Keep(await Chunk(store).SingleOrDefaultAsync(cancellationToken));
        }

        return Take(buffer.Span);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override long Seek(long offset, SeekOrigin origin)
    {
        long position = offset + (origin switch { SeekOrigin.Begin => 0, SeekOrigin.Current => Position, _ => length });
        return Position = position >= 0 ? position : throw new IOException("There is nothing before the beginning.");
    }

    public override void Flush()
    {
    }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private IQueryable<byte[]> Chunk(Store store)
    {
        int index = IndexHere;
        return store.BlobChunks.AsNoTracking().Where(c => c.Sha256 == sha256 && c.Index == index).Select(c => c.Bytes);
    }

    private void Keep(byte[]? chunk)
    {
        long expected = Math.Min(BlobStore.ChunkBytes, length - (long)IndexHere * BlobStore.ChunkBytes);
        _chunk = chunk?.Length == expected ? chunk : throw new BlobException("The stored bytes are damaged or were deleted.");
        _index = IndexHere;
    }

    private int Take(Span<byte> buffer)
    {
        ReadOnlySpan<byte> left = _chunk.AsSpan((int)(Position % BlobStore.ChunkBytes));
        int taken = Math.Min(left.Length, buffer.Length);
        left[..taken].CopyTo(buffer);
        Position += taken;
        return taken;
    }
}
