using System.Reflection;
using DenoiseService.Api.Storage;
using DenoiseService.Api.Tests.Support;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Xunit.Sdk;

namespace DenoiseService.Api.Tests.Storage;

/// <summary>Which database a test runs on: the value of Storage:Provider.</summary>
public static class Provider
{
    public const string Sqlite = "Sqlite";
    public const string PostgreSql = "PostgreSql";
}

/// <summary>Beside [Theory]: the test runs on SQLite; its first parameter is the provider, the others are given here.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class OnSqliteAttribute : DataAttribute
{
    public override IEnumerable<object[]> GetData(MethodInfo testMethod) => [[Provider.Sqlite]];
}

/// <summary>Beside [Theory]: the test runs on PostgreSQL, or is skipped with a reason where that is not installed.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class OnPostgreSqlAttribute : DataAttribute
{
    public OnPostgreSqlAttribute() => Skip = PostgresServer.Missing;

    public override IEnumerable<object[]> GetData(MethodInfo testMethod) => [[Provider.PostgreSql]];
}

/// <summary>Shared by all tests of [Collection(Databases.Collection)]: one server, started by the first test that wants it.</summary>
public sealed class Databases : IAsyncLifetime
{
    public const string Collection = "databases";

    private PostgresServer? _server;

    /// <summary>A new empty database, gone when disposed of.</summary>
    public async Task<TestDatabase> CreateAsync(string provider)
    {
        if (provider == Provider.PostgreSql) _server ??= await PostgresServer.StartAsync();
        var database = new TestDatabase(provider, provider == Provider.PostgreSql ? _server : null);
        await database.CreateAsync();
        return database;
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        if (_server is not null) await _server.DisposeAsync();
    }
}

[CollectionDefinition(Databases.Collection)]
public sealed class SharedDatabases : ICollectionFixture<Databases>;

/// <summary>One database of one test.</summary>
public sealed class TestDatabase : IAsyncDisposable
{
    private readonly PostgresServer? _server;
    private readonly string _name = "test_" + Guid.NewGuid().ToString("N");
    private readonly List<ServiceProvider> _instances = [];

    internal TestDatabase(string provider, PostgresServer? server)
    {
        _server = server;
        Folder = Directory.CreateTempSubdirectory("denoise-data-").FullName;
        Settings = server is null
            ? new() { ["Storage:Provider"] = provider, ["Storage:DataFolder"] = Folder }
            : new() { ["Storage:Provider"] = provider, ["Storage:DataFolder"] = Folder, ["Storage:ConnectionString"] = server.ConnectionString(_name) };
    }

    /// <summary>For <see cref="Service"/>: the settings that lead here.</summary>
    public Dictionary<string, string> Settings { get; }

    /// <summary>For <see cref="ServiceProcess"/>: the same as arguments.</summary>
    public string[] Arguments => [.. Settings.Select(s => $"--{s.Key}={s.Value}")];

    public string Folder { get; }

    public string File => Path.Combine(Folder, "denoise.db");

    /// <summary>One instance of the storage feature, as a process would have it: each call is another replica. Not migrated.</summary>
    internal IServiceProvider Instance(TimeProvider? time = null)
    {
        IConfiguration configuration = new ConfigurationBuilder().AddInMemoryCollection(Settings.Select(s => KeyValuePair.Create(s.Key, (string?)s.Value))).Build();
        ServiceProvider services = new ServiceCollection().AddLogging().AddSingleton(configuration).AddSingleton(time ?? TimeProvider.System).AddStorage().BuildServiceProvider();
        _instances.Add(services);
        return services;
    }

    /// <summary>A migrated instance.</summary>
    internal async Task<IServiceProvider> MigratedAsync(TimeProvider? time = null)
    {
        IServiceProvider services = Instance(time);
        await services.GetRequiredService<StorageMigrator>().MigrateAsync(CancellationToken.None);
        return services;
    }

    /// <summary>The store's factory of a migrated instance.</summary>
    internal async Task<IDbContextFactory<Store>> StoresAsync() => (await MigratedAsync()).GetRequiredService<IDbContextFactory<Store>>();

    /// <summary>Makes the database unreachable; <see cref="ReturnAsync"/> brings it back.</summary>
    public async Task GoAwayAsync()
    {
        if (_server is not null) await _server.StopAsync();
        else System.IO.File.Move(File, File + ".away");
    }

    public async Task ReturnAsync()
    {
        if (_server is not null) await _server.StartAgainAsync();
        else System.IO.File.Move(File + ".away", File);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (ServiceProvider instance in _instances) await instance.DisposeAsync();
        if (_server is not null)
        {
            NpgsqlConnection.ClearAllPools();
            await _server.ExecuteAsync($"DROP DATABASE IF EXISTS {_name} WITH (FORCE)");
        }

        Directory.Delete(Folder, recursive: true);
    }

    internal Task CreateAsync() => _server is null ? Task.CompletedTask : _server.ExecuteAsync($"CREATE DATABASE {_name}");
}
