using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Storage;

/// <summary>Makes the store that the settings ask for. Features may watch what is saved: their interceptors belong to every store.</summary>
internal sealed class StoreFactory(IOptions<StorageOptions> options, IEnumerable<IInterceptor> interceptors, ILoggerFactory logs) : IDbContextFactory<Store>, IDisposable
{
    private readonly Func<Store> _create = Creator(options.Value, [.. interceptors], logs);

    public Store CreateDbContext() => _create();

    /// <summary>Closes idle connections of SQLite: they would go on with a file that was moved or replaced.</summary>
    public void ForgetConnections()
    {
        if (options.Value.Provider != StorageOptions.Sqlite) return;
        using var any = new SqliteConnection(SqliteStore.ConnectionString(options.Value));
        SqliteConnection.ClearPool(any);
    }

    public void Dispose() => ForgetConnections();

    private static Func<Store> Creator(StorageOptions options, IInterceptor[] interceptors, ILoggerFactory logs)
    {
        if (options.Provider == StorageOptions.Sqlite)
        {
            DbContextOptions<SqliteStore> sqlite = Configure<SqliteStore>(logs, b => b.UseSqlite(SqliteStore.ConnectionString(options)).AddInterceptors([new SqliteStore.Pragmas(), .. interceptors]));
            return () => new SqliteStore(sqlite);
        }

        DbContextOptions<PostgresStore> postgres = Configure<PostgresStore>(logs, b => b.UseNpgsql(options.ConnectionString).AddInterceptors(interceptors));
        return () => new PostgresStore(postgres);
    }

    private static DbContextOptions<T> Configure<T>(ILoggerFactory logs, Action<DbContextOptionsBuilder> provider) where T : Store
    {
        DbContextOptionsBuilder<T> builder = new DbContextOptionsBuilder<T>().UseLoggerFactory(logs).ConfigureWarnings(w => w
            // These name the server or the file.
            .Ignore(
                RelationalEventId.ConnectionOpening, RelationalEventId.ConnectionOpened, RelationalEventId.ConnectionClosing, RelationalEventId.ConnectionClosed, RelationalEventId.ConnectionError,
                RelationalEventId.ConnectionCreating, RelationalEventId.ConnectionCreated, RelationalEventId.ConnectionDisposing, RelationalEventId.ConnectionDisposed, RelationalEventId.MigrateUsingConnection)
            // Thrown as well: whoever catches them knows whether they matter (a duplicate often does not).
            .Log((RelationalEventId.CommandError, LogLevel.Debug), (CoreEventId.SaveChangesFailed, LogLevel.Debug)));
        provider(builder);
        return builder.Options;
    }
}
