using System.IO.Compression;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using DenoiseService.Api.Tests.Jobs;
using DenoiseService.Api.Tests.Storage;
using DenoiseService.Api.Tests.Support;

namespace DenoiseService.Api.Tests.Datasets;

[Collection(Databases.Collection)]
public sealed class DatasetsTests(Databases databases)
{
    private static readonly byte[] First = Support.Pictures.Encode(48, 40, seed: 1), Second = Support.Pictures.Encode(40, 48, seed: 2);

    [Theory, OnSqlite, OnPostgreSql]
    public async Task An_upload_keeps_good_pictures_once_reports_every_file_and_serves_a_training(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        await using var service = new Service(database.Settings);
        HttpClient client = await service.ReadyAsync();
        HttpResponseMessage response = await UploadAsync(client, "birds", ("b/second.png", Second), ("a.png", First), ("c-again.png", First), ("d.txt", "no picture"u8.ToArray()), ("e.png", First[..^40]), ("__MACOSX/a.png", First));
        JsonElement set = await response.JsonAsync();
        Assert.True(response.StatusCode == HttpStatusCode.Created, set.ToString());
        Assert.Equal("/v1/datasets/birds", response.Headers.Location!.ToString());
        Assert.Equal(2, set.GetProperty("pictures").GetInt32());
        Assert.Equal(
            ["__MACOSX/a.png skipped", "a.png stored", "b/second.png stored", "c-again.png duplicate", "d.txt refused", "e.png refused"],
            set.GetProperty("files").EnumerateArray().Select(f => $"{f.GetProperty("file").GetString()} {f.GetProperty("status").GetString()}"));
        Assert.Empty(Directory.GetFiles(Path.Combine(database.Folder, "uploads")));
        await (await UploadAsync(client, "birds", ("a.png", First))).ProblemAsync(HttpStatusCode.Conflict, "dataset-exists");
        Assert.Equal(["sample", "birds"], (await (await client.GetAsync("/v1/datasets")).JsonAsync()).GetProperty("datasets").EnumerateArray().Select(d => d.GetProperty("name").GetString()));

        JsonObject body = JobClient.Training(steps: 100_000, validateEvery: 5);
        body["data"] = JsonNode.Parse("""[{"path":"birds","patches":16}]""");
        string id = await client.SubmitAsync(body);
        await client.StepsAsync(id, 5);
        Assert.Equal(64, (await client.JobAsync(id)).GetProperty("dataChecksum").GetString()!.Length); // of birds and sample together
        await (await client.DeleteAsync("/v1/datasets/birds")).ProblemAsync(HttpStatusCode.Conflict, "dataset-in-use");
        await client.PostAsync($"/v1/jobs/{id}/cancel", null);
        await client.UntilAsync(id, "cancelled");
        Assert.Equal(HttpStatusCode.NoContent, (await client.DeleteAsync("/v1/datasets/birds")).StatusCode);
        await (await client.GetAsync("/v1/datasets/birds")).ProblemAsync(HttpStatusCode.NotFound, "unknown-dataset");
        await (await client.DeleteAsync("/v1/datasets/sample")).ProblemAsync(HttpStatusCode.Conflict, "dataset-in-use");
        JsonElement refused = await (await client.PostAsync("ablation", JsonNode.Parse("""{"data":{"path":"birds"}}""")!)).ProblemAsync(HttpStatusCode.UnprocessableEntity, "invalid-field");
        Assert.Equal("data.path", refused.GetProperty("parameter").GetString());
    }

    [Fact]
    public async Task A_hostile_archive_is_refused_as_a_whole_and_leaves_nothing()
    {
        await using var service = new Service(new() { ["Roles:Worker"] = "false", ["Datasets:MaxBytes"] = "200000", ["Datasets:MaxUnpackedBytes"] = "1000000", ["Datasets:MaxFiles"] = "5", ["Datasets:MaxMegapixels"] = "0.02" });
        HttpClient client = await service.ReadyAsync();
        foreach (string name in (string[])["../evil.png", "/evil.png", "a/../../evil.png", "..\\evil.png", "C:evil.png"])
        {
            await (await UploadAsync(client, "x", ("a.png", First), (name, Second))).ProblemAsync(HttpStatusCode.UnprocessableEntity, "invalid-archive");
        }

        JsonElement bomb = await (await UploadAsync(client, "x", ("a.png", First), ("zeros.png", new byte[20_000_000]))).ProblemAsync(HttpStatusCode.RequestEntityTooLarge, "too-large");
        Assert.Equal("unpackedBytes", bomb.GetProperty("parameter").GetString());
        JsonElement many = await (await UploadAsync(client, "x", [.. Enumerable.Range(0, 6).Select(i => ($"{i}.png", First))])).ProblemAsync(HttpStatusCode.RequestEntityTooLarge, "too-large");
        Assert.Equal("files", many.GetProperty("parameter").GetString());
        JsonElement wide = await (await UploadAsync(client, "x", ("a.png", Support.Pictures.Encode(150, 150)))).ProblemAsync(HttpStatusCode.RequestEntityTooLarge, "too-large");
        Assert.Equal("megapixels", wide.GetProperty("parameter").GetString());
        // What only declares a size costs nothing and is reported.
        await (await UploadAsync(client, "x", ("bomb.png", Support.Pictures.Bomb(50_000, 50_000)))).ProblemAsync(HttpStatusCode.UnprocessableEntity, "invalid-archive");
        await (await client.PostAsync("/v1/datasets?name=x", Support.Pictures.Raw(First))).ProblemAsync(HttpStatusCode.UnprocessableEntity, "invalid-archive");
        await (await client.PostAsync("/v1/datasets?name=x", Support.Pictures.Raw(new byte[300_000]))).ProblemAsync(HttpStatusCode.RequestEntityTooLarge, "too-large");
        foreach (string name in (string[])["../x", "X", ""]) Assert.Equal(HttpStatusCode.BadRequest, (await UploadAsync(client, name, ("a.png", First))).StatusCode);
        await (await UploadAsync(client, "sample", ("a.png", First))).ProblemAsync(HttpStatusCode.Conflict, "dataset-exists");
        Assert.Single((await (await client.GetAsync("/v1/datasets")).JsonAsync()).GetProperty("datasets").EnumerateArray());
        Assert.Empty(Directory.GetFiles(Path.Combine(service.Models.Path, "data", "uploads")));
    }

    private static Task<HttpResponseMessage> UploadAsync(HttpClient client, string name, params (string Name, byte[] Content)[] files)
    {
        using var stream = new MemoryStream();
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach ((string file, byte[] content) in files)
            {
                using Stream entry = archive.CreateEntry(file).Open();
                entry.Write(content);
            }
        }

        return client.PostAsync($"/v1/datasets?name={Uri.EscapeDataString(name)}", Support.Pictures.Raw(stream.ToArray(), "application/zip"));
    }
}
