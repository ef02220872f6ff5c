using System.Data.Common;
using System.Globalization;
using System.Net;
using DenoiseService.Api.Storage;
using DenoiseService.Api.Tests.Support;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace DenoiseService.Api.Tests.Storage;

[Collection(Databases.Collection)]
public sealed class MigrationTests(Databases databases)
{
    [Theory, OnSqlite, OnPostgreSql]
    public async Task The_migrations_make_what_the_code_expects_and_again_change_nothing(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        IServiceProvider services = await database.MigratedAsync();
        await using Store store = services.GetRequiredService<IDbContextFactory<Store>>().CreateDbContext();
        Assert.False(store.Database.HasPendingModelChanges()); // else: dotnet ef migrations add, for both
        Assert.Empty(await store.Database.GetPendingMigrationsAsync());
        store.Add(Records.Job());
        await store.SaveChangesAsync();
        await services.GetRequiredService<StorageMigrator>().MigrateAsync(CancellationToken.None);
        Assert.Equal(1, await store.Jobs.CountAsync());
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task Several_instances_migrate_an_empty_database_at_the_same_time(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        IServiceProvider[] instances = [.. Enumerable.Range(0, 6).Select(_ => database.Instance())];
        await Task.WhenAll(instances.Select(i => Task.Run(() => i.GetRequiredService<StorageMigrator>().MigrateAsync(CancellationToken.None))));
        foreach (IServiceProvider instance in instances)
        {
            await using Store store = instance.GetRequiredService<IDbContextFactory<Store>>().CreateDbContext();
            Assert.Equal(0, await store.Jobs.CountAsync());
            Assert.Equal(store.Database.GetMigrations(), await store.Database.GetAppliedMigrationsAsync());
        }
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task Two_processes_start_on_an_empty_database_at_the_same_time(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        using var models = new ModelFolder();
        string[] arguments = [.. database.Arguments, $"--Models:Folder={models.Path}", "--Models:Default=small", "--Inference:Threads=1"];
        using ServiceProcess one = new(arguments), other = new(arguments);
        foreach (ServiceProcess process in (ServiceProcess[])[one, other])
        {
            using var client = new HttpClient { BaseAddress = await process.Address };
            await Service.UntilAsync(() => client.GetAsync("/health/ready").Result.StatusCode == HttpStatusCode.OK, "ready: " + process.Output);
            Assert.Contains($"The {provider} database is open", process.Output, StringComparison.Ordinal);
            Assert.DoesNotContain(database.Folder, process.Output, StringComparison.Ordinal);
            Assert.DoesNotContain("Password", process.Output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_process_killed_while_it_migrated_sqlite_does_not_block_the_next()
    {
        await using TestDatabase database = await databases.CreateAsync(Provider.Sqlite);
        IServiceProvider services = await database.MigratedAsync();
        await using Store store = services.GetRequiredService<IDbContextFactory<Store>>().CreateDbContext();
        // What such a process leaves: EF's lock, taken for ever, and our file, whose lock went with the process.
        await store.Database.ExecuteSqlRawAsync("CREATE TABLE IF NOT EXISTS \"__EFMigrationsLock\" (\"Id\" INTEGER PRIMARY KEY, \"Timestamp\" TEXT NOT NULL); INSERT OR REPLACE INTO \"__EFMigrationsLock\" VALUES (1, '2026-01-01')");
        Assert.True(File.Exists(database.File + ".lock"));
        await services.GetRequiredService<StorageMigrator>().MigrateAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Theory, OnPostgreSql]
    public async Task A_database_that_the_server_does_not_have_is_made(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        await using (Store store = database.Instance().GetRequiredService<IDbContextFactory<Store>>().CreateDbContext()) await store.Database.EnsureDeletedAsync();
        IServiceProvider[] instances = [.. Enumerable.Range(0, 4).Select(_ => database.Instance())];
        await Task.WhenAll(instances.Select(i => Task.Run(() => i.GetRequiredService<StorageMigrator>().MigrateAsync(CancellationToken.None))));
    }

    [Fact]
    public async Task Sqlite_writes_ahead_flushes_every_commit_waits_for_locks_and_checks_foreign_keys()
    {
        await using TestDatabase database = await databases.CreateAsync(Provider.Sqlite);
        IDbContextFactory<Store> stores = await database.StoresAsync();
        // Twice: the second gets a connection that was used before.
        for (int i = 0; i < 2; i++)
        {
            await using Store store = stores.CreateDbContext();
            await store.Database.OpenConnectionAsync();
            Assert.Equal("wal", await PragmaAsync(store, "journal_mode"));
            Assert.Equal("2", await PragmaAsync(store, "synchronous")); // FULL
            Assert.Equal("1", await PragmaAsync(store, "foreign_keys"));
            Assert.Equal("30000", await PragmaAsync(store, "busy_timeout"));
        }
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task Many_writers_at_once_all_succeed(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        IDbContextFactory<Store>[] stores = [await database.StoresAsync(), await database.StoresAsync()];
        await Task.WhenAll(Enumerable.Range(0, 16).Select(writer => Task.Run(async () =>
        {
            for (int i = 0; i < 10; i++)
            {
                await using Store store = stores[writer % 2].CreateDbContext();
                store.Add(Records.Job($"{writer}-{i}"));
                await store.SaveChangesAsync();
                await store.Jobs.Where(j => j.Id == $"{writer}-{i}").ExecuteUpdateAsync(set => set.SetProperty(j => j.Step, 1));
            }
        })));
        await using Store all = stores[0].CreateDbContext();
        Assert.Equal(160, await all.Jobs.CountAsync(j => j.Step == 1));
    }

    private static async Task<string?> PragmaAsync(Store store, string name)
    {
        await using DbCommand command = store.Database.GetDbConnection().CreateCommand();
        command.CommandText = "PRAGMA " + name;
        return Convert.ToString(await command.ExecuteScalarAsync(), CultureInfo.InvariantCulture);
    }
}
