using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.IO.Compression;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using DenoiseService.Api.Storage;
using DenoiseService.Api.Tests.Jobs;
using DenoiseService.Api.Tests.Models;
using DenoiseService.Api.Tests.Storage;
using DenoiseService.Api.Tests.Support;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace DenoiseService.Api.Tests.Datasets;

[Collection(Databases.Collection)]
public sealed class DatasetsTests(Databases databases)
{
    private const int EndLength = 22; // of a zip's end record
    private static readonly Dictionary<string, string> NoWorker = new() { ["Roles:Worker"] = "false" };
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

    [Fact]
    public async Task The_list_of_an_archive_is_measured_and_counted_where_it_is_read_whatever_its_end_says()
    {
        await using var service = new Service(new(NoWorker) { ["Datasets:MaxFiles"] = "5" });
        HttpClient client = await service.ReadyAsync();
        byte[] zip = Zip(("a.png", First));
        JsonElement counted = await (await UploadAsync(client, "x", WithZip64(zip, entries: 1_000_000))).ProblemAsync(HttpStatusCode.RequestEntityTooLarge, "too-large");
        Assert.Equal(("files", 5, 1_000_000), (counted.GetProperty("parameter").GetString(), counted.GetProperty("limit").GetInt32(), counted.GetProperty("actual").GetInt32()));

        byte[] many = Zip([.. Enumerable.Range(0, 200).Select(i => ($"{i}.png", Array.Empty<byte>()))]);
        Understate(many.AsSpan(many.Length - EndLength));
        JsonElement measured = await (await UploadAsync(client, "x", many)).ProblemAsync(HttpStatusCode.RequestEntityTooLarge, "too-large");
        Assert.Equal(("directoryBytes", 5 * 1024), (measured.GetProperty("parameter").GetString(), measured.GetProperty("limit").GetInt32()));

        byte[] astray = WithZip64(zip);
        BinaryPrimitives.WriteInt64LittleEndian(astray.AsSpan(astray.Length - EndLength - 12), astray.Length); // where the locator says that the record is
        await (await UploadAsync(client, "x", astray)).ProblemAsync(HttpStatusCode.UnprocessableEntity, "invalid-archive");
        Assert.Equal(HttpStatusCode.Created, (await UploadAsync(client, "x", WithZip64(zip))).StatusCode);
    }

    [Fact]
    public async Task A_picture_that_no_training_reads_is_refused_when_it_is_uploaded()
    {
        await using var service = new Service(NoWorker);
        HttpClient client = await service.ReadyAsync();
        JsonElement set = await (await UploadAsync(client, "birds", ("a.png", First), ("wide.png", Support.Pictures.Encode(1, 65_501)))).JsonAsync();
        JsonElement wide = set.GetProperty("files")[1];
        Assert.Equal(("wide.png", "refused"), (wide.GetProperty("file").GetString(), wide.GetProperty("status").GetString()));
        Assert.Contains("side 65501, allowed are 65500", wide.GetProperty("reason").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_request_reads_the_names_of_data_sets_once_and_no_reports()
    {
        var queries = new ConcurrentQueue<string>();
        await using var service = new Service(NoWorker);
        await using WebApplicationFactory<Program> app = service.Seen(queries.Enqueue);
        HttpClient client = app.CreateClient();
        Assert.Equal(HttpStatusCode.Created, (await UploadAsync(client, "birds", ("a.png", First))).StatusCode);
        JsonObject body = JobClient.Training();
        body["data"] = JsonNode.Parse("""[{"path":"birds","patches":4},{"path":"birds","patches":4,"shrink":2},{"path":"sample"}]""");
        queries.Clear();
        await client.SubmitAsync(body);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/v1/datasets")).StatusCode);
        string[] asked = [.. queries.Where(q => q.Contains("FROM \"Datasets\"", StringComparison.Ordinal))];
        Assert.Equal(2, asked.Length); // one for each of the two requests
        Assert.All(asked, q => Assert.DoesNotContain("Report", q, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Who_deletes_a_data_set_that_somebody_else_deletes_at_that_moment_is_told_that_there_is_none()
    {
        Action meanwhile = () => { };
        await using var service = new Service(NoWorker);
        await using WebApplicationFactory<Program> app = service.Seen(sql =>
        {
            if (sql.Contains("FROM \"Datasets\"", StringComparison.Ordinal)) meanwhile();
        });
        HttpClient client = app.CreateClient();
        Assert.Equal(HttpStatusCode.Created, (await UploadAsync(client, "birds", ("a.png", First))).StatusCode);
        var stores = app.Services.GetRequiredService<IDbContextFactory<Store>>();
        meanwhile = () =>
        {
            using Store store = stores.CreateDbContext();
            store.Datasets.ExecuteDelete();
        };
        await (await client.DeleteAsync("/v1/datasets/birds")).ProblemAsync(HttpStatusCode.NotFound, "unknown-dataset");
    }

    [Fact]
    public async Task A_stored_job_that_is_out_of_range_by_now_keeps_only_its_own_data_set()
    {
        await using var service = new Service(NoWorker);
        HttpClient client = await service.ReadyAsync();
        foreach ((string name, byte[] picture) in ((string, byte[])[])[("birds", First), ("owls", Second)]) Assert.Equal(HttpStatusCode.Created, (await UploadAsync(client, name, ("a.png", picture))).StatusCode);
        JsonObject body = JobClient.Training();
        body["data"] = JsonNode.Parse("""[{"path":"birds","patches":4}]""");
        await client.SubmitAsync(body);
        await using (Store store = service.Store())
        {
            string stored = (await store.Jobs.AsNoTracking().SingleAsync()).EffectiveRequest!, narrower = stored.Replace("\"batchSize\":4", "\"batchSize\":0", StringComparison.Ordinal);
            Assert.NotEqual(stored, narrower);
            await store.Jobs.ExecuteUpdateAsync(set => set.SetProperty(j => j.EffectiveRequest, narrower));
        }

        await (await client.DeleteAsync("/v1/datasets/birds")).ProblemAsync(HttpStatusCode.Conflict, "dataset-in-use");
        Assert.Equal(HttpStatusCode.NoContent, (await client.DeleteAsync("/v1/datasets/owls")).StatusCode);
    }

    [Fact]
    public async Task Squares_that_memory_should_not_hold_are_refused_before_anything_is_read()
    {
        await using var service = new Service(new(NoWorker) { ["Jobs:MaxSquaresBytes"] = $"{1 << 20}" });
        HttpClient client = await service.ReadyAsync();
        Assert.Equal(HttpStatusCode.Created, (await UploadAsync(client, "birds", ("a.png", First))).StatusCode);
        JsonObject body = JobClient.Training(); // squares of 32 × 32 pixels, 3,072 bytes
        body["data"] = JsonNode.Parse("""[{"path":"birds","patches":270},{"path":"sample","patches":9999}]"""); // an archive gives its 64 images, whatever this says
        body["validation"] = JsonNode.Parse("""[{"path":"sample","range":"0-7"}]""");
        await RefusedAsync("validation.patches", "With sample data and validation give 342 squares of 32 × 32 pixels, 1050624 bytes; the limit is 1048576 bytes, 341 squares.");
        body["validation"]![0]!["range"] = "0-6";
        await client.SubmitAsync(body);
        body["data"]![0]!["patches"] = 1_000_000;
        await RefusedAsync("data.patches", "birds gives 1000000 squares of 32 × 32 pixels, 3072000000 bytes; the limit is 2147483591 bytes");

        async Task RefusedAsync(string field, string says)
        {
            JsonElement refused = await (await client.PostAsync("training", body)).ProblemAsync(HttpStatusCode.UnprocessableEntity, "invalid-field");
            Assert.Equal(field, refused.GetProperty("parameter").GetString());
            Assert.Contains(says, refused.GetProperty("detail").GetString(), StringComparison.Ordinal);
        }
    }

    /// <summary>Has an end record speak of one entry.</summary>
    private static void Understate(Span<byte> end)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(end[8..], 1);
        BinaryPrimitives.WriteUInt16LittleEndian(end[10..], 1);
        BinaryPrimitives.WriteUInt32LittleEndian(end[12..], 46); // bytes
    }

    /// <summary>The same archive, its end record leading to a zip64 record.</summary>
    private static byte[] WithZip64(byte[] zip, ulong? entries = null)
    {
        byte[] record = new byte[56], locator = new byte[20], end = zip[^EndLength..];
        ulong count = entries ?? BinaryPrimitives.ReadUInt16LittleEndian(end.AsSpan(10));
        BinaryPrimitives.WriteUInt32LittleEndian(record, 0x06064b50);
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(4), 44); // bytes that follow
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(24), count);
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(32), count);
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(40), BinaryPrimitives.ReadUInt32LittleEndian(end.AsSpan(12)));
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(48), BinaryPrimitives.ReadUInt32LittleEndian(end.AsSpan(16)));
        BinaryPrimitives.WriteUInt32LittleEndian(locator, 0x07064b50);
        BinaryPrimitives.WriteInt64LittleEndian(locator.AsSpan(8), zip.Length - EndLength);
        BinaryPrimitives.WriteUInt32LittleEndian(locator.AsSpan(16), 1);
        BinaryPrimitives.WriteUInt32LittleEndian(end.AsSpan(16), uint.MaxValue);
        return [.. zip[..^EndLength], .. record, .. locator, .. end];
    }

    private static Task<HttpResponseMessage> UploadAsync(HttpClient client, string name, params (string Name, byte[] Content)[] files) => UploadAsync(client, name, Zip(files));

    private static Task<HttpResponseMessage> UploadAsync(HttpClient client, string name, byte[] zip) => client.PostAsync($"/v1/datasets?name={Uri.EscapeDataString(name)}", Support.Pictures.Raw(zip, "application/zip"));

    private static byte[] Zip(params (string Name, byte[] Content)[] files)
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

        return stream.ToArray();
    }
}
