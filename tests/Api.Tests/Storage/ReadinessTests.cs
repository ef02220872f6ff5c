using System.Net;
using System.Text.Json;
using DenoiseService.Api.Errors;
using DenoiseService.Api.Jobs;
using DenoiseService.Api.Storage;
using DenoiseService.Api.Tests.Support;
using Microsoft.AspNetCore.Http;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace DenoiseService.Api.Tests.Storage;

[Collection(Databases.Collection)]
public sealed class ReadinessTests(Databases databases)
{
    [Theory, OnSqlite, OnPostgreSql]
    public async Task Without_its_database_the_service_is_not_ready_and_says_why_and_comes_back_by_itself(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        await using var service = new Service(new(database.Settings) { ["Storage:CheckSeconds"] = "0.1" });
        HttpClient client = await service.ReadyAsync();
        await database.GoAwayAsync();
        try
        {
            await Service.UntilAsync(() => client.GetAsync("/health/ready").Result.StatusCode == HttpStatusCode.ServiceUnavailable, "not ready");
            JsonElement report = await (await client.GetAsync("/health/ready")).JsonAsync();
            Assert.Equal("The database cannot be reached.", Assert.Single(report.GetProperty("reasons").EnumerateArray()).GetString());
            Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/health/live")).StatusCode);
            // The champion needs no database; who names a model does.
            await (await client.PostAsync("/v1/denoise?model=small", Support.Pictures.Raw(Support.Pictures.Encode(8, 8)))).ProblemAsync(HttpStatusCode.ServiceUnavailable, "storage-unavailable");
            Assert.Equal(HttpStatusCode.OK, (await client.PostAsync("/v1/denoise", Support.Pictures.Raw(Support.Pictures.Encode(8, 8)))).StatusCode);
            await using Store store = service.Services.GetRequiredService<IDbContextFactory<Store>>().CreateDbContext();
            Exception failure = await Assert.ThrowsAnyAsync<Exception>(() => store.Jobs.CountAsync());
            ApiException told = ExceptionTable.Translate(failure, new DefaultHttpContext());
            Assert.Equal(("storage-unavailable", 503), (told.Kind.Name, told.Kind.Status));
            Assert.NotNull(told.RetryAfter);
        }
        finally
        {
            await database.ReturnAsync();
        }

        await Service.UntilAsync(() => client.GetAsync("/health/ready").Result.StatusCode == HttpStatusCode.OK, "ready again");
        await using Store back = service.Services.GetRequiredService<IDbContextFactory<Store>>().CreateDbContext();
        Assert.Equal(0, await back.Jobs.CountAsync());
    }

    [Theory, OnPostgreSql]
    public async Task A_service_that_starts_before_its_database_listens_and_migrates_once_it_is_there(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        await database.GoAwayAsync();
        await using var service = new Service(new(database.Settings) { ["Storage:CheckSeconds"] = "0.1" });
        HttpClient client;
        StorageMonitor monitor;
        try
        {
            client = service.CreateClient();
            monitor = service.Services.GetRequiredService<StorageMonitor>();
            Assert.False(monitor.MigratedAsync(CancellationToken.None).IsCompleted);
            Assert.Equal(HttpStatusCode.ServiceUnavailable, (await client.GetAsync("/health/ready")).StatusCode);
        }
        finally
        {
            await database.ReturnAsync();
        }

        await monitor.MigratedAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30));
        await service.ReadyAsync();
    }

    [Fact]
    public void An_error_of_the_disk_is_no_mistake_of_the_client()
    {
        Assert.Equal(500, ExceptionTable.Translate(new IOException("No space left on device", 28), new DefaultHttpContext()).Kind.Status);
        Assert.Equal(400, ExceptionTable.Translate(new IOException("Unexpected end of Stream, the content may have already been read by another component."), new DefaultHttpContext()).Kind.Status);
        Assert.True(StorageErrors.IsUnavailable(new Npgsql.NpgsqlException("", new System.Net.Sockets.SocketException())));
    }

    [Theory]
    [InlineData("25006")] // read_only_sql_transaction
    [InlineData("57014")] // query_canceled
    public void A_server_that_only_reads_or_ends_a_statement_is_away_unless_the_caller_gave_up(string state)
    {
        var error = new Npgsql.PostgresException("", "ERROR", "ERROR", state);
        Assert.Equal("storage-unavailable", ExceptionTable.Translate(new DbUpdateException("", error), new DefaultHttpContext()).Kind.Name);
        Assert.True(StorageErrors.IsUnavailable(error));
        Assert.False(StorageErrors.IsUnavailable(new OperationCanceledException("", error)));
        Assert.False(StorageErrors.IsUnavailable(new Npgsql.PostgresException("", "ERROR", "ERROR", "42601"))); // syntax_error
    }

    [Theory, OnPostgreSql]
    public async Task A_real_server_that_only_reads_or_ends_a_statement_is_away_unless_the_caller_gave_up(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        await using Store store = (await database.StoresAsync()).CreateDbContext();
        await store.Database.OpenConnectionAsync(); // settings are the connection's
        await store.Database.ExecuteSqlRawAsync("SET statement_timeout = 100");
        Assert.True(StorageErrors.IsUnavailable(await Assert.ThrowsAnyAsync<Exception>(() => store.Database.ExecuteSqlRawAsync("SELECT pg_sleep(20)"))));
        await store.Database.ExecuteSqlRawAsync("SET statement_timeout = 0");
        using var gaveUp = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
        Assert.False(StorageErrors.IsUnavailable(await Assert.ThrowsAnyAsync<Exception>(() => store.Database.ExecuteSqlRawAsync("SELECT pg_sleep(20)", gaveUp.Token))));
        await store.Database.ExecuteSqlRawAsync("SET default_transaction_read_only = on");
        store.Add(Records.Job());
        Assert.True(StorageErrors.IsUnavailable(await Assert.ThrowsAsync<DbUpdateException>(() => store.SaveChangesAsync())));
    }

    [Fact]
    public void Who_only_answers_and_has_a_database_server_needs_no_data_folder()
    {
        var options = new StorageOptions { Provider = StorageOptions.PostgreSql, DataFolder = "/dev/null/none" };
        Assert.True(Check(worker: false).Skipped);
        Assert.True(Check(worker: true).Failed);

        Microsoft.Extensions.Options.ValidateOptionsResult Check(bool worker) => new DataFolderCheck(Microsoft.Extensions.Options.Options.Create(new RolesOptions { Worker = worker })).Validate(null, options);
    }

    [Theory]
    [InlineData("Sqlite")]
    [InlineData("PostgreSql")]
    public async Task A_data_folder_that_cannot_be_made_ends_the_process_with_the_settings_name_and_no_path(string provider)
    {
        string file = Path.GetTempFileName();
        using var process = new ServiceProcess([$"--Storage:DataFolder={Path.Combine(file, "data")}", $"--Storage:Provider={provider}", .. provider == "Sqlite" ? Array.Empty<string>() : ["--Storage:ConnectionString=Host=127.0.0.1;Port=1"]]);
        Assert.Equal(1, await process.ExitCodeAsync());
        Assert.Contains("Storage:DataFolder: cannot be made or written to.", process.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(file, process.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", process.Output, StringComparison.Ordinal);
        File.Delete(file);
    }
}
