using System.Data.Common;
using System.Globalization;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.EntityFrameworkCore.Metadata;

namespace DenoiseService.Api.Storage;

/// <summary>The store in one file.</summary>
internal sealed class SqliteStore(DbContextOptions<SqliteStore> options) : Store(options)
{
    /// <summary>Never makes a file: one that vanished is an error, not an empty database. The migrator makes it.</summary>
    public static string ConnectionString(StorageOptions options) =>
        new SqliteConnectionStringBuilder { DataSource = options.SqliteFile, Mode = SqliteOpenMode.ReadWrite, ForeignKeys = true, DefaultTimeout = 60 }.ConnectionString;

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        base.OnModelCreating(modelBuilder);
        // SQLite ignores the lengths of its types: what PostgreSQL refuses must not pass here.
        foreach (IMutableEntityType entity in modelBuilder.Model.GetEntityTypes())
        {
            foreach (IMutableProperty property in entity.GetProperties().Where(p => p.GetMaxLength() is not null))
            {
                string condition = string.Create(CultureInfo.InvariantCulture, $"length(\"{property.Name}\") <= {property.GetMaxLength()}");
                entity.AddCheckConstraint($"CK_{entity.ClrType.Name}_{property.Name}_Length", condition);
            }
        }
    }

    /// <summary>What SQLite forgets when a connection closes.</summary>
    internal sealed class Pragmas : DbConnectionInterceptor
    {
        // FULL: a commit is on the disk before it is acknowledged, also in WAL mode. The wait is SQLite's own, for a lock of another connection or process.
        private const string Sql = "PRAGMA busy_timeout = 30000; PRAGMA synchronous = FULL;";

        public override void ConnectionOpened(DbConnection connection, ConnectionEndEventData eventData)
        {
            using DbCommand command = connection.CreateCommand();
            command.CommandText = Sql;
            command.ExecuteNonQuery();
        }

        public override Task ConnectionOpenedAsync(DbConnection connection, ConnectionEndEventData eventData, CancellationToken cancellationToken = default)
        {
            ConnectionOpened(connection, eventData); // SQLite has no asynchronous calls
            return Task.CompletedTask;
        }
    }
}
