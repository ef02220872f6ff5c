using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using DenoiseService.Api.Tests.Storage;
using DenoiseService.Api.Tests.Support;

namespace DenoiseService.Api.Tests.Webhooks;

/// <summary>What tests ask of the routes of webhooks.</summary>
internal static class WebhookClient
{
    /// <summary>To this machine, without waiting.</summary>
    public static Dictionary<string, string> Fast(this TestDatabase database, params (string Name, string Value)[] more)
    {
        var settings = new Dictionary<string, string>(database.Settings) { ["Webhooks:AllowPrivateAddresses"] = "true", ["Webhooks:PollSeconds"] = "0.05", ["Webhooks:FirstDelaySeconds"] = "0.05" };
        foreach ((string name, string value) in more) settings[name] = value;
        return settings;
    }

    /// <summary>Id and secret of a new webhook.</summary>
    public static async Task<(string Id, string Secret)> HookAsync(this HttpClient client, string url, params string[] events)
    {
        HttpResponseMessage response = await client.PostAsJsonAsync("/v1/webhooks", events.Length == 0 ? new { url } : (object)new { url, events });
        JsonElement made = await response.JsonAsync();
        Assert.True(response.StatusCode == HttpStatusCode.Created, made.ToString());
        return (made.GetProperty("info").GetProperty("id").GetString()!, made.GetProperty("secret").GetString()!);
    }

    /// <summary>Id of a new message.</summary>
    public static async Task<string> PingAsync(this HttpClient client, string webhook)
    {
        HttpResponseMessage response = await client.PostAsync($"/v1/webhooks/{webhook}/test", null);
        JsonElement delivery = await response.JsonAsync();
        Assert.True(response.StatusCode == HttpStatusCode.Accepted, delivery.ToString());
        Assert.Equal(("ping", "pending", 0), (delivery.GetProperty("event").GetString(), delivery.State(), delivery.Attempts()));
        return delivery.GetProperty("id").GetString()!;
    }

    public static async Task<JsonElement[]> DeliveriesAsync(this HttpClient client, string webhook) => [.. (await (await client.GetAsync($"/v1/webhooks/{webhook}/deliveries")).JsonAsync()).GetProperty("deliveries").EnumerateArray()];

    /// <summary>Waits until the newest message has what is wanted.</summary>
    public static async Task<JsonElement> NewestAsync(this HttpClient client, string webhook, Func<JsonElement, bool> wanted)
    {
        for (var watch = System.Diagnostics.Stopwatch.StartNew(); ; await Task.Delay(20))
        {
            JsonElement[] found = await client.DeliveriesAsync(webhook);
            if (found.Length > 0 && wanted(found[0])) return found[0];
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(30), string.Join('\n', found));
        }
    }

    public static string State(this JsonElement delivery) => delivery.GetProperty("state").GetString()!;

    public static int Attempts(this JsonElement delivery) => delivery.GetProperty("attempts").GetInt32();

    public static int? Status(this JsonElement delivery) => delivery.GetProperty("lastStatus").ValueKind == JsonValueKind.Null ? null : delivery.GetProperty("lastStatus").GetInt32();

    public static string? Error(this JsonElement delivery) => delivery.TryGetProperty("lastError", out JsonElement error) ? error.GetString() : null;
}
