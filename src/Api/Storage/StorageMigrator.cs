using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Storage;
using Microsoft.Extensions.Options;
using Npgsql;

namespace DenoiseService.Api.Storage;

/// <summary>
/// Brings the tables up to date. Any number of processes may do it at the same time, and any of them may be killed while it does: each waits for a lock
/// that its owner's death releases.
/// </summary>
internal sealed class StorageMigrator(IDbContextFactory<Store> stores, IOptions<StorageOptions> options, TimeProvider time)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);
    private const long Turn = 0x64656e6f697365; // "denoise": which of the database's advisory locks

    /// <summary>Makes the database if there is none, and its tables.</summary>
    public async Task MigrateAsync(CancellationToken cancellationToken)
    {
        await using Store store = stores.CreateDbContext();
        if (store is SqliteStore)
        {
            await MigrateFileAsync(store, cancellationToken);
        }
        else
        {
            await CreateDatabaseAsync(store, cancellationToken);
            await MigrateServerAsync(store, cancellationToken);
        }
    }

    private static async Task MigrateServerAsync(Store store, CancellationToken cancellationToken)
    {
        // EF's own lock ends with each migration's transaction, and another replica comes between two. A session's lock ends with its owner, too.
        store.Database.SetCommandTimeout(Patience);
        await store.Database.OpenConnectionAsync(cancellationToken);
        await store.Database.ExecuteSqlAsync($"SELECT pg_advisory_lock({Turn})", cancellationToken);
        try
        {
            await store.Database.MigrateAsync(cancellationToken);
        }
        finally
        {
            await store.Database.ExecuteSqlAsync($"SELECT pg_advisory_unlock({Turn})", CancellationToken.None);
        }
    }

    private async Task MigrateFileAsync(Store store, CancellationToken cancellationToken)
    {
        await using FileStream turn = await TurnAsync(options.Value.SqliteFile + ".lock", cancellationToken);
        // An empty file is an empty database; connections never make one. One that is there is not opened: closing it would drop the locks that SQLite has on it in this process.
        if (!File.Exists(options.Value.SqliteFile)) await File.Create(options.Value.SqliteFile).DisposeAsync();
        await store.Database.ExecuteSqlRawAsync("PRAGMA journal_mode = WAL", cancellationToken); // the file remembers it
        // EF's own lock is a row that outlives a process killed while it migrates; every later start would wait for ever.
        await store.Database.ExecuteSqlRawAsync("DROP TABLE IF EXISTS \"__EFMigrationsLock\"", cancellationToken);
        await store.Database.MigrateAsync(cancellationToken);
    }

    private static async Task CreateDatabaseAsync(Store store, CancellationToken cancellationToken)
    {
        var creator = store.GetService<IRelationalDatabaseCreator>();
        if (await creator.ExistsAsync(cancellationToken)) return;
        try
        {
            await creator.CreateAsync(cancellationToken);
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.DuplicateDatabase or PostgresErrorCodes.UniqueViolation)
        {
            // Another replica was faster.
        }
    }

    private async Task<FileStream> TurnAsync(string path, CancellationToken cancellationToken)
    {
        for (long started = time.GetTimestamp(); ;)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (time.GetElapsedTime(started) < Patience)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), time, cancellationToken);
            }
        }
    }
}
