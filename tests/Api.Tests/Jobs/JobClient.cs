using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using DenoiseService.Api.Tests.Support;

namespace DenoiseService.Api.Tests.Jobs;

/// <summary>What tests ask of the routes of jobs.</summary>
internal static class JobClient
{
    /// <summary>A training of a second or so on the data set that ships.</summary>
    public static JsonObject Training(int steps = 20, int validateEvery = 10, long? seed = 7)
    {
        var body = JsonNode.Parse("""
            {"model":{"width":16,"heads":2,"blocks":1,"feedForwardWidth":32,"routerWidth":8,"keysKept":[4,16,64],"residual":true},
             "data":[{"path":"sample","range":"0-47"}],"validation":[{"path":"sample","range":"48-55"}],"batchSize":4}
            """)!.AsObject();
        (body["steps"], body["validateEvery"]) = (steps, validateEvery);
        if (seed is not null) body["seed"] = seed;
        return body;
    }

    public static Task<HttpResponseMessage> PostAsync(this HttpClient client, string kind, JsonNode body, string? key = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, $"/v1/{kind}-jobs") { Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json") };
        if (key is not null) request.Headers.Add("Idempotency-Key", key);
        return client.SendAsync(request);
    }

    /// <summary>The id of a new job.</summary>
    public static async Task<string> SubmitAsync(this HttpClient client, JsonNode? body = null, string kind = "training")
    {
        HttpResponseMessage response = await client.PostAsync(kind, body ?? Training());
        JsonElement job = await response.JsonAsync();
        Assert.True(response.StatusCode == HttpStatusCode.Accepted, job.ToString());
        return job.GetProperty("id").GetString()!;
    }

    public static async Task<JsonElement> JobAsync(this HttpClient client, string id) => await (await client.GetAsync($"/v1/jobs/{id}")).JsonAsync();

    public static string State(this JsonElement job) => job.GetProperty("state").GetString()!;

    /// <summary>Waits for a state; a final one that is not wanted fails at once.</summary>
    public static async Task<JsonElement> UntilAsync(this HttpClient client, string id, string state, int seconds = 60)
    {
        for (var watch = System.Diagnostics.Stopwatch.StartNew(); ;)
        {
            JsonElement job = await client.JobAsync(id);
            if (job.State() == state) return job;
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(seconds) && job.State() is not ("succeeded" or "failed" or "cancelled"), $"Wanted {state}: {job}\n{await client.GetStringAsync($"/v1/jobs/{id}/logs")}");
            await Task.Delay(20);
        }
    }

    /// <summary>Waits until a job has done so many steps.</summary>
    public static async Task StepsAsync(this HttpClient client, string id, long steps)
    {
        for (var watch = System.Diagnostics.Stopwatch.StartNew(); (await client.JobAsync(id)).GetProperty("step").GetInt64() < steps; await Task.Delay(20)) Assert.True(watch.Elapsed < TimeSpan.FromSeconds(60));
    }

    /// <summary>Waits until a job's log has a text.</summary>
    public static async Task LogsAsync(this HttpClient client, string id, string text)
    {
        for (var watch = System.Diagnostics.Stopwatch.StartNew(); ; await Task.Delay(20))
        {
            string log = await client.GetStringAsync($"/v1/jobs/{id}/logs");
            if (log.Contains(text, StringComparison.Ordinal)) return;
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(60), log);
        }
    }

    public static async Task<JsonElement[]> EventsAsync(this HttpClient client, string id, long after = 0)
    {
        var all = new List<JsonElement>();
        while (true)
        {
            JsonElement page = await (await client.GetAsync($"/v1/jobs/{id}/events?after={after}")).JsonAsync();
            JsonElement[] events = [.. page.GetProperty("events").EnumerateArray()];
            if (events.Length == 0) return [.. all];
            all.AddRange(events);
            after = events[^1].GetProperty("id").GetInt64();
        }
    }

    /// <summary>From the log of events: one owner after the other, and nobody wrote after the next one had begun.</summary>
    public static void NeverTwoOwners(JsonElement[] events)
    {
        Assert.Equal(Enumerable.Range(1, events.Length).Select(i => (long)i), events.Select(e => e.GetProperty("id").GetInt64()));
        long lease = 0;
        bool owned = false;
        foreach (JsonElement e in events)
        {
            JsonElement data = e.GetProperty("data");
            string? state = e.GetProperty("type").GetString() == "state" ? data.GetProperty("state").GetString() : null;
            if (state == "running")
            {
                Assert.False(owned);
                owned = true;
                lease++;
            }
            else if (state is "interrupted" or "succeeded" or "failed" or "cancelled")
            {
                owned = false;
            }

            Assert.Equal(lease, data.GetProperty("lease").GetInt64());
        }
    }
}
