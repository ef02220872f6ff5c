using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using DenoiseService.Api.Tests.Support;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;

namespace DenoiseService.Api.Tests.Access;

/// <summary>What the tests of this folder share.</summary>
internal static class AccessTestSupport
{
    /// <summary>A key as the settings may give it.</summary>
    public const string AdminKey = "an-admin-key-of-the-settings-0123456789abcdef";

    /// <summary>The service on this clock.</summary>
    public static WebApplicationFactory<Program> On(this Service service, TimeProvider time) =>
        service.WithWebHostBuilder(b => b.ConfigureTestServices(s => s.AddSingleton(time)));

    /// <summary>A client with a key.</summary>
    public static HttpClient With(this WebApplicationFactory<Program> service, string? key)
    {
        HttpClient client = service.CreateClient(new WebApplicationFactoryClientOptions { AllowAutoRedirect = false });
        if (key is not null) client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        return client;
    }

    /// <summary>Makes a key; its text and id.</summary>
    public static async Task<(string Key, string Id)> MakeKeyAsync(this HttpClient client, params string[] scopes)
    {
        HttpResponseMessage response = await client.PostAsJsonAsync("/v1/keys", new { name = "test", scopes });
        return await KeyOf(response);
    }

    public static async Task<(string Key, string Id)> KeyOf(HttpResponseMessage response)
    {
        JsonElement made = await response.JsonAsync();
        Assert.True(response.StatusCode == HttpStatusCode.Created, made.ToString());
        return (made.GetProperty("key").GetString()!, made.GetProperty("info").GetProperty("id").GetString()!);
    }

    public static HttpContent Picture(int side = 8) => Support.Pictures.Raw(Support.Pictures.Encode(side, side));
}
