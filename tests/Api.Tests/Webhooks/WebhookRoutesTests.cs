using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using DenoiseService.Api.Storage;
using DenoiseService.Api.Tests.Storage;
using DenoiseService.Api.Tests.Support;
using DenoiseService.Api.Webhooks;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace DenoiseService.Api.Tests.Webhooks;

[Collection(Databases.Collection)]
public sealed class WebhookRoutesTests(Databases databases)
{
    private const string Url = "https://example.org/hook";

    [Theory, OnSqlite, OnPostgreSql]
    public async Task A_secret_is_shown_once_and_never_again(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        await using var service = new Service(database.Settings);
        HttpClient client = await service.ReadyAsync();
        HttpResponseMessage response = await client.PostAsJsonAsync("/v1/webhooks", new { url = Url, description = " the chat " });
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        Assert.True(response.Headers.CacheControl!.NoStore);
        JsonElement made = await response.JsonAsync();
        string secret = made.GetProperty("secret").GetString()!, id = made.GetProperty("info").GetProperty("id").GetString()!;
        Assert.Matches("^whsec_[A-Za-z0-9+/]{43}=$", secret);
        Assert.Equal($"/v1/webhooks/{id}", response.Headers.Location!.ToString());
        Assert.Equal(["job.*", "model.*"], made.GetProperty("info").GetProperty("events").EnumerateArray().Select(e => e.GetString()));
        Assert.Equal("the chat", made.GetProperty("info").GetProperty("description").GetString());
        Assert.NotEqual(secret, (await client.HookAsync(Url)).Secret);

        string one = await client.GetStringAsync($"/v1/webhooks/{id}"), all = await client.GetStringAsync("/v1/webhooks");
        Assert.Equal(made.GetProperty("info").ToString(), one);
        Assert.Equal(2, JsonDocument.Parse(all).RootElement.GetProperty("webhooks").GetArrayLength());
        string test = await (await client.PostAsync($"/v1/webhooks/{id}/test", null)).Content.ReadAsStringAsync(), deliveries = await client.GetStringAsync($"/v1/webhooks/{id}/deliveries");
        foreach (string shown in (string[])[one, all, test, deliveries]) Assert.DoesNotContain(secret["whsec_".Length..], shown, StringComparison.Ordinal);

        await using Store store = service.Services.GetRequiredService<IDbContextFactory<Store>>().CreateDbContext();
        Assert.DoesNotContain(secret["whsec_".Length..], await store.WebhookDeliveries.Select(d => d.Body).SingleAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"url":""}""", "url")]
    [InlineData("""{"url":"hook"}""", "url")]
    [InlineData("""{"url":"/hook"}""", "url")]
    [InlineData("""{"url":"http://example.org/"}""", "url")]
    [InlineData("""{"url":"ftp://example.org/"}""", "url")]
    [InlineData("""{"url":"https://ada:hushhush@example.org/"}""", "url")]
    [InlineData("""{"url":"https://127.0.0.1/"}""", "url")]
    [InlineData("""{"url":"https://2130706433/"}""", "url")]
    [InlineData("""{"url":"https://[::1]/"}""", "url")]
    [InlineData("""{"url":"https://[::ffff:10.0.0.1]/"}""", "url")]
    [InlineData("""{"url":"https://169.254.169.254/latest"}""", "url")]
    [InlineData("""{"url":"https://example.org/","events":[]}""", "events")]
    [InlineData("""{"url":"https://example.org/","events":["job.done"]}""", "events")]
    [InlineData("""{"url":"https://example.org/","events":["*"]}""", "events")]
    [InlineData("""{"url":"https://example.org/","events":[null]}""", "events")]
    [InlineData("""{"url":"https://example.org/","description":"a\nb"}""", "description")]
    [InlineData("""{"url":"https://example.org/","secret":"hushhush"}""", "secret")]
    [InlineData("""{"url":"https://example.org/","secret":"whsec_aHVzaGh1c2g="}""", "secret")]
    public async Task What_is_wrong_with_a_webhook_is_said_with_its_field_and_without_its_secrets(string body, string field)
    {
        await using var service = new Service();
        HttpClient client = await service.ReadyAsync();
        JsonElement problem = await (await client.PostAsJsonAsync("/v1/webhooks", JsonNode.Parse(body))).ProblemAsync(HttpStatusCode.BadRequest, "invalid-parameter");
        Assert.Equal(field, problem.GetProperty("parameter").GetString());
        Assert.True(problem.TryGetProperty("limit", out _));
        foreach (string secret in (string[])["hushhush", "aHVzaGh1c2g"]) Assert.DoesNotContain(secret, problem.ToString(), StringComparison.Ordinal);
        Assert.Empty((await (await client.GetAsync("/v1/webhooks")).JsonAsync()).GetProperty("webhooks").EnumerateArray());
    }

    [Fact]
    public async Task Too_long_too_many_unknown_and_malformed_are_refused()
    {
        await using var service = new Service(new() { ["Webhooks:MaxWebhooks"] = "1" });
        HttpClient client = await service.ReadyAsync();
        JsonElement problem = await (await client.PostAsJsonAsync("/v1/webhooks", new { url = Url + new string('x', 2000) })).ProblemAsync(HttpStatusCode.BadRequest, "invalid-parameter");
        Assert.Equal(Url.Length + 2000, problem.GetProperty("actual").GetInt32());
        problem = await (await client.PostAsJsonAsync("/v1/webhooks", new { url = Url, description = new string('x', 201) })).ProblemAsync(HttpStatusCode.BadRequest, "invalid-parameter");
        Assert.Equal(201, problem.GetProperty("actual").GetInt32());
        await (await client.PostAsJsonAsync("/v1/webhooks", new { url = Url, uri = Url })).ProblemAsync(HttpStatusCode.BadRequest, "bad-request");
        string given = "whsec_" + Convert.ToBase64String(new byte[24]);
        HttpResponseMessage first = await client.PostAsJsonAsync("/v1/webhooks", new { url = Url, secret = given });
        Assert.Equal(given, (await first.JsonAsync()).GetProperty("secret").GetString());
        problem = await (await client.PostAsJsonAsync("/v1/webhooks", new { url = Url })).ProblemAsync(HttpStatusCode.Conflict, "too-many-webhooks");
        Assert.Equal((1, 1), (problem.GetProperty("limit").GetInt32(), problem.GetProperty("actual").GetInt32()));
        foreach ((string method, string path) in ((string, string)[])[("GET", "none"), ("DELETE", "none"), ("POST", "none/test"), ("GET", "none/deliveries")])
        {
            await (await client.SendAsync(new HttpRequestMessage(new HttpMethod(method), $"/v1/webhooks/{path}"))).ProblemAsync(HttpStatusCode.NotFound, "unknown-webhook");
        }

        string id = (await (await client.GetAsync("/v1/webhooks")).JsonAsync()).GetProperty("webhooks")[0].GetProperty("id").GetString()!;
        foreach (string query in (string[])["limit=0", "limit=201", "cursor=%00", "cursor=x"]) await (await client.GetAsync($"/v1/webhooks/{id}/deliveries?{query}")).ProblemAsync(HttpStatusCode.BadRequest, "invalid-parameter");
        Assert.Equal(HttpStatusCode.NoContent, (await client.DeleteAsync($"/v1/webhooks/{id}")).StatusCode);
        await client.HookAsync(Url); // there is room again
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task Messages_are_listed_in_pages_and_go_with_their_webhook(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        await using var service = new Service(new(database.Settings) { ["Webhooks:PollSeconds"] = "60" });
        HttpClient client = await service.ReadyAsync();
        (string id, _) = await client.HookAsync(Url);
        (string other, _) = await client.HookAsync(Url);
        await client.PingAsync(other);
        string[] ids = new string[5];
        for (int i = 0; i < ids.Length; i++)
        {
            ids[i] = await client.PingAsync(id);
            await Task.Delay(3); // ids sort by their millisecond
        }

        var seen = new List<string>();
        for (string? cursor = ""; cursor is not null;)
        {
            JsonElement page = await (await client.GetAsync($"/v1/webhooks/{id}/deliveries?limit=2&cursor={cursor}")).JsonAsync();
            seen.AddRange(page.GetProperty("deliveries").EnumerateArray().Select(d => d.GetProperty("id").GetString()!));
            cursor = page.GetProperty("nextCursor").GetString();
        }

        Assert.Equal(ids.Reverse(), seen);
        Assert.Equal(HttpStatusCode.NoContent, (await client.DeleteAsync($"/v1/webhooks/{id}")).StatusCode);
        await (await client.GetAsync($"/v1/webhooks/{id}")).ProblemAsync(HttpStatusCode.NotFound, "unknown-webhook");
        await using Store store = service.Services.GetRequiredService<IDbContextFactory<Store>>().CreateDbContext();
        Assert.Equal(other, await store.WebhookDeliveries.Select(d => d.WebhookId).SingleAsync());
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task Only_messages_that_ended_long_ago_are_swept(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        await using var service = new Service(new(database.Settings) { ["Webhooks:PollSeconds"] = "60", ["Webhooks:KeepDays"] = "10" });
        HttpClient client = await service.ReadyAsync();
        (string id, _) = await client.HookAsync(Url);
        string old = await client.PingAsync(id), young = await client.PingAsync(id), pending = await client.PingAsync(id);
        await using Store store = service.Services.GetRequiredService<IDbContextFactory<Store>>().CreateDbContext();
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        foreach ((string delivery, int days) in ((string, int)[])[(old, 11), (young, 9)])
        {
            await store.WebhookDeliveries.Where(d => d.Id == delivery).ExecuteUpdateAsync(set => set.SetProperty(d => d.State, DeliveryState.Delivered).SetProperty(d => d.FinishedAt, now.AddDays(-days)));
        }

        Assert.Equal(1, await service.Services.GetRequiredService<WebhookSweeper>().SweepAsync(CancellationToken.None));
        Assert.Equal(new[] { young, pending }.Order(), (await store.WebhookDeliveries.Select(d => d.Id).ToListAsync()).Order());
    }
}
