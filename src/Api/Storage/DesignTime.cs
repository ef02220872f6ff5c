using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;

namespace DenoiseService.Api.Storage;

/// <summary>For <c>dotnet ef migrations add NAME --context SqliteStore --output-dir Storage/Migrations/Sqlite</c>; nothing connects anywhere.</summary>
internal sealed class SqliteDesign : IDesignTimeDbContextFactory<SqliteStore>
{
    public SqliteStore CreateDbContext(string[] args) => new(new DbContextOptionsBuilder<SqliteStore>().UseSqlite().Options);
}

/// <summary>The same with <c>PostgresStore</c> and <c>Storage/Migrations/Postgres</c>: every change of the tables needs both.</summary>
internal sealed class PostgresDesign : IDesignTimeDbContextFactory<PostgresStore>
{
    public PostgresStore CreateDbContext(string[] args) => new(new DbContextOptionsBuilder<PostgresStore>().UseNpgsql().Options);
}
