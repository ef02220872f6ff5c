using System.Net;
using System.Text.RegularExpressions;
using DenoiseService.Api.Access;
using DenoiseService.Api.Tests.Storage;
using DenoiseService.Api.Tests.Support;

namespace DenoiseService.Api.Tests.Access;

/// <summary>What a process says at its start, and what it never says.</summary>
[Collection(Databases.Collection)]
public sealed partial class FirstStartTests(Databases databases)
{
    [Theory, OnSqlite, OnPostgreSql]
    public async Task Where_keys_are_required_the_first_admin_key_is_printed_once_and_not_at_the_second_start(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        using var models = new ModelFolder();
        string key;
        using (ServiceProcess first = Start(models, [.. database.Arguments, "--Security:RequireKeys=true"]))
        {
            using HttpClient client = await ClientAsync(first);
            await Service.UntilAsync(() => Printed().IsMatch(first.Output), "the key: " + first.Output);
            key = Assert.Single(Printed().Matches(first.Output)).Value;
            Assert.Equal(HttpStatusCode.Unauthorized, (await client.GetAsync("/v1/keys")).StatusCode);
            client.DefaultRequestHeaders.Add("X-Api-Key", key);
            Assert.Contains(key[..15], await client.GetStringAsync("/v1/keys"), StringComparison.Ordinal);
            Assert.Single(Printed().Matches(first.Output));
        }

        using ServiceProcess second = Start(models, [.. database.Arguments, "--Security:RequireKeys=true"]);
        using HttpClient again = await ClientAsync(second);
        await Service.UntilAsync(() => second.Output.Contains("Keys are asked for", StringComparison.Ordinal), "the announcement: " + second.Output);
        again.DefaultRequestHeaders.Add("X-Api-Key", key);
        Assert.Equal(HttpStatusCode.OK, (await again.GetAsync("/v1/keys")).StatusCode);
        Assert.DoesNotMatch(Printed(), second.Output);
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task Of_several_replicas_that_start_together_one_makes_the_first_key(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        Service[] replicas = [.. Enumerable.Range(0, 3).Select(_ => new Service(database.Settings))];
        try
        {
            KeyRegister[] registers = [.. replicas.Select(r => Microsoft.Extensions.DependencyInjection.ServiceProviderServiceExtensions.GetRequiredService<KeyRegister>(r.Services))];
            string?[] keys = await Task.WhenAll(registers.Select(r => Task.Run(() => r.MakeFirstAsync(CancellationToken.None))));
            Assert.Single(keys, k => k is not null);
        }
        finally
        {
            foreach (Service replica in replicas) await replica.DisposeAsync();
        }
    }

    [Fact]
    public async Task Without_keys_the_log_says_so_the_readmes_command_works_and_no_key_that_is_sent_or_made_is_logged()
    {
        using var models = new ModelFolder();
        using ServiceProcess process = Start(models, ["--Serilog:MinimumLevel:Default=Verbose", "--Serilog:MinimumLevel:Override:Microsoft.AspNetCore=Verbose"]);
        using HttpClient client = await ClientAsync(process);
        await Service.UntilAsync(() => process.Output.Contains("No key exists: only requests from this machine are answered", StringComparison.Ordinal), "the announcement: " + process.Output);
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync("/v1/denoise", Support.Pictures.Form(Support.Pictures.Encode(8, 8)))).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/swagger/index.html")).StatusCode);

        (string key, _) = await client.MakeKeyAsync("admin");
        client.DefaultRequestHeaders.Authorization = new("Bearer", key);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/v1/keys")).StatusCode);
        string wrong = KeyFormat.NewKey(key[3..15]);
        client.DefaultRequestHeaders.Authorization = new("Bearer", wrong);
        Assert.Equal(HttpStatusCode.Unauthorized, (await client.GetAsync("/v1/keys")).StatusCode);
        await Service.UntilAsync(() => process.Output.Contains("/v1/keys 401", StringComparison.Ordinal), "the request's line: " + process.Output);
        Assert.DoesNotContain(key[^64..], process.Output, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(wrong[^64..], process.Output, StringComparison.OrdinalIgnoreCase);
        // Nor what is stored of it.
        Assert.DoesNotContain(Convert.ToHexString(KeyFormat.Hash(key)), process.Output, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Anonymous_use_and_the_settings_key_are_announced_without_the_key()
    {
        using var models = new ModelFolder();
        using ServiceProcess process = Start(models, ["--Security:AllowAnonymous=true", "--Security:AdminKey=" + AccessTestSupport.AdminKey]);
        using HttpClient client = await ClientAsync(process);
        await Service.UntilAsync(() => process.Output.Contains("Keys are asked for", StringComparison.Ordinal), "the announcement: " + process.Output);
        Assert.Contains("Security:AllowAnonymous is set: anybody", process.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(AccessTestSupport.AdminKey, process.Output, StringComparison.Ordinal);
    }

    private static ServiceProcess Start(ModelFolder models, string[] arguments) => new([$"--Models:Folder={models.Path}", "--Models:Default=small", "--Inference:Threads=1", .. arguments]);

    private static async Task<HttpClient> ClientAsync(ServiceProcess process)
    {
        var client = new HttpClient { BaseAddress = await process.Address };
        await Service.UntilAsync(() => client.GetAsync("/health/ready").Result.StatusCode == HttpStatusCode.OK, "ready: " + process.Output);
        return client;
    }

    [GeneratedRegex("dn_[0-9a-f]{12}_[0-9a-f]{64}")]
    private static partial Regex Printed();
}
