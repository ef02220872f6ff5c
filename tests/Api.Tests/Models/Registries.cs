using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using DenoiseService.Api.Storage;
using DenoiseService.Api.Tests.Support;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace DenoiseService.Api.Tests.Models;

/// <summary>Calls that tests of the registry share.</summary>
internal static class Registries
{
    /// <summary>Uploads a new checkpoint and returns what the service says of it.</summary>
    public static async Task<JsonElement> UploadAsync(this HttpClient client, ModelFolder folder, string name, double psnr = 30.5)
    {
        folder.Add(name, ModelFolder.SmallConfig, psnr);
        HttpResponseMessage answer = await client.PostAsync("/v1/models", folder.FormOf(name));
        Assert.True(answer.StatusCode == HttpStatusCode.Created, await answer.Content.ReadAsStringAsync());
        return await answer.JsonAsync();
    }

    public static string Id(this JsonElement model) => model.GetProperty("id").GetString()!;

    public static Task<HttpResponseMessage> PromoteAsync(this HttpClient client, string reference, object? request = null) => client.PostAsJsonAsync($"/v1/models/{reference}/promote", request ?? new { });

    public static async Task<string> AnswersAsync(this HttpClient client, string query = "")
    {
        HttpResponseMessage answer = await client.PostAsync("/v1/denoise" + query, Support.Pictures.Raw(Support.Pictures.Encode(8, 8)));
        Assert.True(answer.StatusCode == HttpStatusCode.OK, await answer.Content.ReadAsStringAsync());
        return Assert.Single(answer.Headers.GetValues("X-Model-Version"));
    }

    /// <summary>Where the aliases point.</summary>
    public static async Task<Dictionary<string, string>> AliasesAsync(this HttpClient client) =>
        (await (await client.GetAsync("/v1/models")).JsonAsync()).GetProperty("aliases").EnumerateArray().ToDictionary(a => a.GetProperty("name").GetString()!, a => a.GetProperty("versionId").GetString()!);

    /// <summary>Turns the bits of one stored byte over; again mends it.</summary>
    public static async Task DamageAsync(this Service service, string sha256)
    {
        await using Store store = service.Store();
        byte[] bytes = await store.BlobChunks.Where(c => c.Sha256 == sha256 && c.Index == 0).Select(c => c.Bytes).SingleAsync();
        bytes[^1] ^= 0xff;
        await store.BlobChunks.Where(c => c.Sha256 == sha256 && c.Index == 0).ExecuteUpdateAsync(set => set.SetProperty(c => c.Bytes, bytes));
    }

    public static Store Store(this Service service) => service.Services.GetRequiredService<IDbContextFactory<Store>>().CreateDbContext();
}
