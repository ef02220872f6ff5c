using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using DenoiseService.Api.Tests.Access;
using DenoiseService.Api.Tests.Storage;
using DenoiseService.Api.Tests.Support;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;

namespace DenoiseService.Api.Tests.Jobs;

[Collection(Databases.Collection)]
public sealed class EventsTests(Databases databases)
{
    [Theory, OnSqlite, OnPostgreSql]
    public async Task Events_are_streamed_while_the_job_runs_until_it_ends_and_replayed_after_the_last_known_id(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        await using var service = new Service(database.Settings);
        HttpClient client = await service.ReadyAsync();
        string id = await client.SubmitAsync();
        (long Id, string Type, string Data)[] live = await StreamAsync(client, id, null);
        Assert.Equal("succeeded", (await client.JobAsync(id)).State());
        Assert.Equal(Enumerable.Range(1, live.Length).Select(i => (long)i), live.Select(e => e.Id));
        Assert.Equal(("state", "state"), (live[0].Type, live[^1].Type));
        Assert.Contains("succeeded", live[^1].Data, StringComparison.Ordinal);
        Assert.Equal(2, live.Count(e => e.Type == "validation"));
        await SheetsAsync(client, id, [.. live.Where(e => e.Type == "sample").Select(e => JsonDocument.Parse(e.Data).RootElement)]);

        Assert.Equal(live[3..], await StreamAsync(client, id, "3"));
        Assert.Equal(live[^1..], await StreamAsync(client, id, (live.Length - 1).ToString(CultureInfo.InvariantCulture)));
        Assert.Empty(await StreamAsync(client, id, live.Length.ToString(CultureInfo.InvariantCulture)));
        Assert.Equal(live.Length - 2, (await client.EventsAsync(id, after: 2)).Length);
        using var wrong = new HttpRequestMessage(HttpMethod.Get, $"/v1/jobs/{id}/events");
        wrong.Headers.Add("Last-Event-ID", "last");
        await (await client.SendAsync(wrong)).ProblemAsync(HttpStatusCode.BadRequest, "invalid-parameter");
    }

    [Fact]
    public async Task A_quiet_stream_has_a_heartbeat_every_15_s()
    {
        await using var service = new Service(new() { ["Roles:Worker"] = "false" });
        await using WebApplicationFactory<Program> hurried = service.WithWebHostBuilder(b => b.ConfigureTestServices(s => s.AddSingleton<TimeProvider>(new Hurry())));
        HttpClient client = hurried.CreateClient();
        string id = await client.SubmitAsync();
        using HttpResponseMessage response = await OpenAsync(client, id, null);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        int beats = 0;
        while (beats < 2) beats += await reader.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30)) == ": heartbeat" ? 1 : 0;
    }

    [Fact]
    public async Task A_stream_ends_when_its_key_is_revoked_or_expires()
    {
        var time = new SteppedTime();
        await using var service = new Service(new() { ["Roles:Worker"] = "false", ["Security:AdminKey"] = AccessTestSupport.AdminKey });
        await using WebApplicationFactory<Program> stepped = service.On(time);
        HttpClient admin = stepped.With(AccessTestSupport.AdminKey);
        string id = await admin.SubmitAsync();
        (string revoked, string revokedId) = await admin.MakeKeyAsync("read");
        (string expiring, _) = await AccessTestSupport.KeyOf(await admin.PostAsJsonAsync("/v1/keys", new { name = "short", scopes = (string[])["read"], expiresAt = time.GetUtcNow().AddSeconds(60) }));
        using HttpResponseMessage first = await OpenAsync(stepped.With(revoked), id, null), second = await OpenAsync(stepped.With(expiring), id, null), third = await OpenAsync(admin, id, null);
        Task<string> untilRevoked = first.Content.ReadAsStringAsync(), untilExpired = second.Content.ReadAsStringAsync(), untilEnd = third.Content.ReadAsStringAsync();

        Assert.Equal(HttpStatusCode.NoContent, (await admin.DeleteAsync("/v1/keys/" + revokedId)).StatusCode);
        Assert.StartsWith(": hello", await untilRevoked.WaitAsync(TimeSpan.FromSeconds(30)), StringComparison.Ordinal);
        Assert.False(untilExpired.IsCompleted);
        time.Step(60);
        Assert.StartsWith(": hello", await untilExpired.WaitAsync(TimeSpan.FromSeconds(30)), StringComparison.Ordinal);
        Assert.False(untilEnd.IsCompleted);
        await admin.PostAsync($"/v1/jobs/{id}/cancel", null);
        Assert.Contains("cancelled", await untilEnd.WaitAsync(TimeSpan.FromSeconds(30)), StringComparison.Ordinal);
    }

    private static async Task SheetsAsync(HttpClient client, string id, JsonElement[] samples)
    {
        Assert.Equal([10, 20], samples.Select(s => s.GetProperty("step").GetInt32()));
        Assert.Empty(samples[0].GetProperty("routing").EnumerateArray());
        Assert.InRange(samples[1].GetProperty("routing")[0].GetProperty("meanChange").GetDouble(), 1e-6, 1);
        foreach (JsonElement sample in samples)
        {
            HttpResponseMessage sheet = await client.GetAsync($"/v1/jobs/{id}/artifacts/{sample.GetProperty("artifact").GetString()}");
            Assert.Equal("image/png", sheet.Content.Headers.ContentType!.MediaType);
            Assert.True((await sheet.Content.ReadAsByteArrayAsync()).AsSpan(1).StartsWith("PNG"u8));
        }
    }

    /// <summary>Timestamps pass fifty times as fast.</summary>
    private sealed class Hurry : TimeProvider
    {
        public override long GetTimestamp() => base.GetTimestamp() * 50;
    }

    private static async Task<HttpResponseMessage> OpenAsync(HttpClient client, string id, string? last)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/jobs/{id}/events");
        request.Headers.Accept.Add(new("text/event-stream"));
        if (last is not null) request.Headers.Add("Last-Event-ID", last);
        HttpResponseMessage response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        return response;
    }

    private static async Task<(long Id, string Type, string Data)[]> StreamAsync(HttpClient client, string id, string? last)
    {
        using HttpResponseMessage response = await OpenAsync(client, id, last);
        string text = await response.Content.ReadAsStringAsync().WaitAsync(TimeSpan.FromSeconds(60));
        return [.. text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Where(m => !m.StartsWith(':')).Select(m => m.Split('\n')).Select(l => (long.Parse(l[0]["id: ".Length..], CultureInfo.InvariantCulture), l[1]["event: ".Length..], l[2]["data: ".Length..]))];
    }
}
