using System.Security.Cryptography;
using DenoiseService.Api.Storage;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace DenoiseService.Api.Tests.Storage;

[Collection(Databases.Collection)]
public sealed class BlobTests(Databases databases)
{
    [Theory, OnSqlite, OnPostgreSql]
    public async Task Bytes_come_back_whole_whatever_their_length(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        var blobs = (await database.MigratedAsync()).GetRequiredService<BlobStore>();
        foreach (int length in (int[])[0, 1, BlobStore.ChunkBytes - 1, BlobStore.ChunkBytes, BlobStore.ChunkBytes + 1, 3 * BlobStore.ChunkBytes + 17])
        {
            byte[] bytes = Bytes(length);
            (string sha, long stored) = await blobs.PutAsync(bytes, CancellationToken.None);
            Assert.Equal((Convert.ToHexStringLower(SHA256.HashData(bytes)), (long)length), (sha, stored));
            Assert.Equal(bytes, await blobs.ReadAsync(sha, CancellationToken.None));
        }
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task A_stream_of_them_seeks_and_reads_both_ways(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        var blobs = (await database.MigratedAsync()).GetRequiredService<BlobStore>();
        byte[] bytes = Bytes(2 * BlobStore.ChunkBytes + 100);
        (string sha, _) = await blobs.PutAsync(bytes, CancellationToken.None);
        await using Stream stream = await blobs.OpenAsync(sha, CancellationToken.None);
        foreach (int at in (int[])[BlobStore.ChunkBytes - 3, 0, bytes.Length - 7, 2 * BlobStore.ChunkBytes])
        {
            byte[] read = new byte[Math.Min(10, bytes.Length - at)];
            stream.Seek(at, SeekOrigin.Begin);
            stream.ReadExactly(read);
            Assert.Equal(bytes[at..(at + read.Length)], read);
            stream.Seek(-read.Length, SeekOrigin.Current);
            await stream.ReadExactlyAsync(read);
            Assert.Equal(bytes[at..(at + read.Length)], read);
        }

        stream.Seek(0, SeekOrigin.End);
        Assert.Equal(0, await stream.ReadAsync(new byte[1]));
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task The_same_bytes_put_by_many_at_once_are_stored_once(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        IServiceProvider services = await database.MigratedAsync();
        var blobs = services.GetRequiredService<BlobStore>();
        byte[] bytes = Bytes(BlobStore.ChunkBytes + 1);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => blobs.PutAsync(bytes, CancellationToken.None))));
        await using Store store = services.GetRequiredService<IDbContextFactory<Store>>().CreateDbContext();
        Assert.Equal((1, 2), (await store.Blobs.CountAsync(), await store.BlobChunks.CountAsync()));
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task Missing_and_damaged_bytes_are_told(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        IServiceProvider services = await database.MigratedAsync();
        var blobs = services.GetRequiredService<BlobStore>();
        await Assert.ThrowsAsync<BlobException>(() => blobs.ReadAsync(new string('0', 64), CancellationToken.None));
        (string sha, _) = await blobs.PutAsync(Bytes(5), CancellationToken.None);
        await using Store store = services.GetRequiredService<IDbContextFactory<Store>>().CreateDbContext();
        await store.BlobChunks.ExecuteUpdateAsync(set => set.SetProperty(c => c.Bytes, Bytes(5, seed: 2)));
        await Assert.ThrowsAsync<BlobException>(() => blobs.ReadAsync(sha, CancellationToken.None));
        await store.BlobChunks.ExecuteDeleteAsync();
        await Assert.ThrowsAsync<BlobException>(() => blobs.ReadAsync(sha, CancellationToken.None));
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task Only_bytes_that_nothing_points_to_are_collected_and_only_after_their_grace(string provider)
    {
        var clock = new Clock();
        await using TestDatabase database = await databases.CreateAsync(provider);
        IServiceProvider services = await database.MigratedAsync(clock);
        var blobs = services.GetRequiredService<BlobStore>();
        string[] shas = await Task.WhenAll(Enumerable.Range(1, 6).Select(async i => (await blobs.PutAsync(Bytes(i), CancellationToken.None)).Sha256));
        await using Store store = services.GetRequiredService<IDbContextFactory<Store>>().CreateDbContext();
        store.AddRange(Records.Job(), Records.Checkpoint(shas[0]), Records.Artifact(shas[1]), Records.Version(shas[2]), Records.Dataset(shas[3]));
        await store.SaveChangesAsync();
        Assert.Equal(0, await blobs.CollectAsync(CancellationToken.None));
        clock.At(Records.Noon + BlobStore.Grace + TimeSpan.FromMinutes(1));
        await blobs.PutAsync(Bytes(5), CancellationToken.None); // put again: young again
        Assert.Equal(1, await blobs.CollectAsync(CancellationToken.None));
        Assert.Equal(shas[..5].Order(), (await store.Blobs.Select(b => b.Sha256).ToListAsync()).Order());
        Assert.Equal(5, await store.BlobChunks.CountAsync());
        await store.JobArtifacts.ExecuteDeleteAsync();
        Assert.Equal(1, await blobs.CollectAsync(CancellationToken.None));
    }

    private static byte[] Bytes(int length, int seed = 1)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
