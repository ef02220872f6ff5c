using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using DenoiseService.Api.Access;
using DenoiseService.Api.Storage;
using DenoiseService.Api.Tests.Storage;
using DenoiseService.Api.Tests.Support;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace DenoiseService.Api.Tests.Access;

[Collection(Databases.Collection)]
public sealed class KeyTests(Databases databases)
{
    [Theory, OnSqlite, OnPostgreSql]
    public async Task A_key_is_shown_once_listed_without_its_secret_and_stored_as_a_hash(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        await using var service = new Service(WithAdmin(database));
        HttpClient admin = service.With(AccessTestSupport.AdminKey);
        HttpResponseMessage response = await admin.PostAsJsonAsync("/v1/keys", new { name = " photo desk ", scopes = (string[])["read", "inference"], patchesPerMinute = 5, expiresAt = "2999-01-01T00:00:00Z" });
        Assert.True(response.Headers.CacheControl!.NoStore);
        (string key, string id) = await AccessTestSupport.KeyOf(response);
        Assert.Matches("^dn_[0-9a-f]{12}_[0-9a-f]{64}$", key);

        string text = await admin.GetStringAsync("/v1/keys");
        JsonElement listed = Assert.Single(JsonDocument.Parse(text).RootElement.GetProperty("keys").EnumerateArray());
        Assert.Equal((id, "dn_" + id, "photo desk", 5), (listed.GetProperty("id").GetString(), listed.GetProperty("prefix").GetString(), listed.GetProperty("name").GetString(), listed.GetProperty("patchesPerMinute").GetInt32()));
        Assert.Equal(["inference", "read"], listed.GetProperty("scopes").EnumerateArray().Select(s => s.GetString()));
        Assert.Equal(2999, listed.GetProperty("expiresAt").GetDateTimeOffset().Year);
        Assert.Equal((JsonValueKind.Null, JsonValueKind.Null), (listed.GetProperty("lastUsedAt").ValueKind, listed.GetProperty("revokedAt").ValueKind));

        await using Store store = Stores(service).CreateDbContext();
        ApiKey stored = await store.ApiKeys.SingleAsync();
        Assert.Equal(KeyFormat.Hash(key), stored.Hash);
        string secret = key[^64..];
        Assert.DoesNotContain(secret, text, StringComparison.Ordinal);
        Assert.DoesNotContain(secret, JsonSerializer.Serialize(stored), StringComparison.Ordinal);
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task A_revoked_key_is_refused_here_at_once_and_by_another_instance_within_the_documented_time(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        var time = new SteppedTime();
        await using Service one = new(WithAdmin(database)), other = new(WithAdmin(database));
        WebApplicationFactory<Program> here = one.On(time), there = other.On(time);
        HttpClient admin = here.With(AccessTestSupport.AdminKey);
        (string key, string id) = await admin.MakeKeyAsync("read");
        HttpClient near = here.With(key), far = there.With(key);
        foreach (HttpClient client in (HttpClient[])[near, far]) Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/v1/models")).StatusCode);

        for (int i = 0; i < 2; i++) Assert.Equal(HttpStatusCode.NoContent, (await admin.DeleteAsync("/v1/keys/" + id)).StatusCode);
        Assert.Contains("revoked", (await (await near.GetAsync("/v1/models")).ProblemAsync(HttpStatusCode.Unauthorized, "invalid-key")).GetProperty("detail").GetString(), StringComparison.Ordinal);
        time.Step(4.9);
        Assert.Equal(HttpStatusCode.OK, (await far.GetAsync("/v1/models")).StatusCode); // as documented: it is still believed
        time.Step(0.1);
        await (await far.GetAsync("/v1/models")).ProblemAsync(HttpStatusCode.Unauthorized, "invalid-key");
        JsonElement listed = Assert.Single((await (await admin.GetAsync("/v1/keys")).JsonAsync()).GetProperty("keys").EnumerateArray());
        Assert.Equal(2026, listed.GetProperty("revokedAt").GetDateTimeOffset().Year);
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task The_first_key_closes_another_instance_within_the_documented_time(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        var time = new SteppedTime();
        await using Service one = new(database.Settings), other = new(database.Settings);
        WebApplicationFactory<Program> here = one.On(time), there = other.On(time);
        Assert.Equal(HttpStatusCode.OK, (await there.With(null).GetAsync("/v1/models")).StatusCode);
        (string key, _) = await here.With(null).MakeKeyAsync("admin");
        Assert.Equal(HttpStatusCode.OK, (await there.With(key).GetAsync("/v1/models")).StatusCode); // a new key is known at once
        time.Step(5);
        await (await there.With(null).GetAsync("/v1/models")).ProblemAsync(HttpStatusCode.Unauthorized, "key-required");
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task The_last_usable_admin_key_cannot_be_revoked(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        var time = new SteppedTime();
        await using var service = new Service(database.Settings);
        WebApplicationFactory<Program> app = service.On(time);
        (string key, string id) = await app.With(null).MakeKeyAsync("admin");
        HttpClient admin = app.With(key);
        (_, string second) = await admin.MakeKeyAsync("admin");
        await admin.PostAsJsonAsync("/v1/keys", new { name = "short", scopes = (string[])["admin"], expiresAt = time.GetUtcNow().AddSeconds(1) });
        await admin.MakeKeyAsync("inference", "read");
        time.Step(1); // the short one is no way in any more
        Assert.Equal(HttpStatusCode.NoContent, (await admin.DeleteAsync("/v1/keys/" + second)).StatusCode);
        await (await admin.DeleteAsync("/v1/keys/" + id)).ProblemAsync(HttpStatusCode.Conflict, "admin-key-needed");
        await (await admin.DeleteAsync("/v1/keys/none")).ProblemAsync(HttpStatusCode.NotFound, "unknown-key");
        Assert.Equal(HttpStatusCode.OK, (await admin.GetAsync("/v1/keys")).StatusCode);
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task Two_admins_that_revoke_each_other_at_the_same_moment_leave_one(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        await using Service one = new(database.Settings), other = new(database.Settings);
        (string key, string id) = await one.With(null).MakeKeyAsync("admin");
        HttpClient[] admins = [one.With(key), other.With(key)];
        for (int round = 0; round < 5; round++)
        {
            (string secondKey, string second) = await admins[0].MakeKeyAsync("admin");
            HttpResponseMessage[] answers = await Task.WhenAll(admins[0].DeleteAsync("/v1/keys/" + second), admins[1].DeleteAsync("/v1/keys/" + id));
            Assert.Equal([HttpStatusCode.NoContent, HttpStatusCode.Conflict], answers.Select(a => a.StatusCode).Order());
            await using Store store = Stores(one).CreateDbContext();
            Assert.Equal(1, await store.ApiKeys.CountAsync(k => k.RevokedAt == null));
            if (answers[1].StatusCode != HttpStatusCode.NoContent) continue;
            id = second;
            admins = [one.With(secondKey), other.With(secondKey)];
        }
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task When_a_key_was_last_used_is_written_at_most_once_a_minute_and_at_the_end(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        var time = new SteppedTime();
        string key;
        DateTimeOffset used;
        await using (var service = new Service(WithAdmin(database)))
        {
            await using WebApplicationFactory<Program> app = service.On(time);
            (key, _) = await app.With(AccessTestSupport.AdminKey).MakeKeyAsync("read");
            for (int i = 0; i < 3; i++, time.Step(1)) await app.With(key).GetAsync("/v1/models");
            used = time.GetUtcNow().AddSeconds(-1);
            await using Store store = Stores(app).CreateDbContext();
            Assert.Null((await store.ApiKeys.SingleAsync()).LastUsedAt); // the minute is not over
            var usage = app.Services.GetRequiredService<KeyUsage>();
            await usage.FlushAsync(CancellationToken.None);
            Assert.Equal(used, (await store.ApiKeys.AsNoTracking().SingleAsync()).LastUsedAt);
            await app.With(key).GetAsync("/v1/models");
        }

        await using Store later = (await database.StoresAsync()).CreateDbContext();
        Assert.Equal(used.AddSeconds(1), (await later.ApiKeys.SingleAsync()).LastUsedAt);
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task While_the_database_is_away_stored_keys_answer_503_and_the_settings_key_still_works(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        await using var service = new Service(new(WithAdmin(database)) { ["Storage:CheckSeconds"] = "0.1", ["Security:KeyCacheSeconds"] = "0" });
        HttpClient admin = service.With(AccessTestSupport.AdminKey);
        HttpClient client = service.With((await admin.MakeKeyAsync("read")).Key);
        await service.ReadyAsync();
        await database.GoAwayAsync();
        try
        {
            await Service.UntilAsync(() => client.GetAsync("/health/ready").Result.StatusCode == HttpStatusCode.ServiceUnavailable, "not ready");
            await (await client.GetAsync("/v1/models")).ProblemAsync(HttpStatusCode.ServiceUnavailable, "storage-unavailable");
            Assert.Equal(HttpStatusCode.OK, (await admin.GetAsync("/version")).StatusCode);
        }
        finally
        {
            await database.ReturnAsync();
        }

        await service.ReadyAsync();
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/v1/models")).StatusCode);
    }

    [Fact]
    public async Task Wrong_requests_for_a_key_name_their_field()
    {
        await using var service = new Service();
        HttpClient client = service.CreateClient();
        (object Body, string Kind, string Parameter)[] wrong =
        [
            (new { name = "", scopes = (string[])["read"] }, "invalid-parameter", "name"),
            (new { name = new string('a', 101), scopes = (string[])["read"] }, "invalid-parameter", "name"),
            (new { name = "line\nline", scopes = (string[])["read"] }, "invalid-parameter", "name"),
            (new { scopes = (string[])["read"] }, "invalid-parameter", "name"),
            (new { name = "a" }, "invalid-parameter", "scopes"),
            (new { name = "a", scopes = Array.Empty<string>() }, "invalid-parameter", "scopes"),
            (new { name = "a", scopes = (int[])[8] }, "invalid-parameter", "scopes"),
            (new { name = "a", scopes = (string[])["root"] }, "bad-request", "$.scopes[0]"),
            (new { name = "a", scopes = (string[])["admin"], patchesPerMinute = -1 }, "invalid-parameter", "patchesPerMinute"),
            (new { name = "a", scopes = (string[])["admin"], patchesPerHour = 1 }, "bad-request", "$.patchesPerHour"),
            (new { name = "a", scopes = (string[])["admin"], expiresAt = "2020-01-01T00:00:00Z" }, "invalid-parameter", "expiresAt"),
        ];
        foreach ((object body, string kind, string parameter) in wrong)
        {
            JsonElement problem = await (await client.PostAsJsonAsync("/v1/keys", body)).ProblemAsync(HttpStatusCode.BadRequest, kind);
            Assert.Equal(parameter, problem.GetProperty("parameter").GetString());
        }

        await (await client.PostAsync("/v1/keys", new StringContent("{\"name\":"))).ProblemAsync(HttpStatusCode.UnsupportedMediaType, "unsupported-media-type");
        Assert.Empty((await (await client.GetAsync("/v1/keys")).JsonAsync()).GetProperty("keys").EnumerateArray());
    }

    [Fact]
    public void Secrets_are_compared_in_constant_time_and_only_in_one_place()
    {
        string folder = Path.Combine(Root(), "src", "Api", "Access");
        Assert.Contains("CryptographicOperations.FixedTimeEquals", File.ReadAllText(Path.Combine(folder, "KeyFormat.cs")), StringComparison.Ordinal);
        foreach (string file in Directory.GetFiles(folder, "*.cs"))
        {
            string source = File.ReadAllText(file);
            Assert.DoesNotContain("SequenceEqual", source, StringComparison.Ordinal);
            // Hashes are made where a key is made, where the settings' one is read, and inside the comparison.
            if (Path.GetFileName(file) is not ("KeyFormat.cs" or "KeyRing.cs" or "KeyRegister.cs")) Assert.DoesNotContain("Hash", source, StringComparison.Ordinal);
        }

        string key = KeyFormat.NewKey(KeyFormat.NewId());
        Assert.True(KeyFormat.Matches(key, KeyFormat.Hash(key)));
        Assert.False(KeyFormat.Matches(key[..^1] + (key[^1] == '0' ? '1' : '0'), KeyFormat.Hash(key)));
        Assert.Null(KeyFormat.IdOf(key + "\n"));
        Assert.Equal(1000, Enumerable.Range(0, 1000).Select(_ => KeyFormat.NewKey("0123456789ab")).Distinct().Count());
    }

    private static Dictionary<string, string> WithAdmin(TestDatabase database) => new(database.Settings) { ["Security:AdminKey"] = AccessTestSupport.AdminKey };

    private static IDbContextFactory<Store> Stores(WebApplicationFactory<Program> service) => service.Services.GetRequiredService<IDbContextFactory<Store>>();

    private static string Root()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Directory.Packages.props"))) folder = Path.GetDirectoryName(folder);
        return folder ?? throw new DirectoryNotFoundException("The repository's root.");
    }
}
