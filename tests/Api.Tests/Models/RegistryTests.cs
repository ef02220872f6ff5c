using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using DenoiseService.Api.Models;
using DenoiseService.Api.Storage;
using DenoiseService.Api.Tests.Jobs;
using DenoiseService.Api.Tests.Storage;
using DenoiseService.Api.Tests.Support;
using DenoiseService.Model;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace DenoiseService.Api.Tests.Models;

[Collection(Databases.Collection)]
public sealed class RegistryTests(Databases databases)
{
    [Theory, OnSqlite, OnPostgreSql]
    public async Task Replicas_that_start_at_once_register_what_ships_once_and_agree_on_the_champion(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        using var models = new ModelFolder();
        models.Add("other", ModelFolder.SmallConfig);
        Service[] replicas = [.. Enumerable.Range(0, 3).Select(_ => new Service(database.Settings, models))];
        await Task.WhenAll(replicas.Select(r => Task.Run(r.ReadyAsync)));
        foreach (Service replica in replicas) await Service.UntilAsync(() => replica.CreateClient().GetAsync("/v1/models/other").Result.IsSuccessStatusCode, "registered");
        await Task.Delay(300); // whoever is still registering
        JsonElement list = await (await replicas[0].CreateClient().GetAsync("/v1/models")).JsonAsync();
        Assert.Equal(["other", "small"], list.GetProperty("models").EnumerateArray().Select(m => m.GetProperty("name").GetString()).Order());
        Assert.Equal("champion", Assert.Single(list.GetProperty("aliases").EnumerateArray()).GetProperty("name").GetString());
        foreach (Service replica in replicas) Assert.StartsWith("small@", await replica.CreateClient().AnswersAsync(), StringComparison.Ordinal);
        await using (Store store = replicas[0].Store()) Assert.Equal("first start", (await store.Promotions.SingleAsync()).By);
        foreach (Service replica in replicas) await replica.DisposeAsync();
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task A_restart_keeps_what_was_promoted_and_a_newly_shipped_file_becomes_a_version_without_an_alias(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        using var models = new ModelFolder();
        using var elsewhere = new ModelFolder();
        string[] versions;
        var first = new Service(database.Settings);
        {
            HttpClient client = await first.ReadyAsync();
            string id = (await client.UploadAsync(elsewhere, "mine")).Id();
            Assert.Equal(HttpStatusCode.OK, (await client.PromoteAsync(id)).StatusCode);
            versions = [id];
        }

        await first.DisposeAsync();
        models.Add("newer", ModelFolder.SmallConfig); // and "small" is another one now
        await using var second = new Service(database.Settings, models);
        HttpClient again = await second.ReadyAsync();
        await Service.UntilAsync(() => again.GetAsync("/v1/models/newer").Result.IsSuccessStatusCode, "registered");
        Assert.StartsWith("mine@", await again.AnswersAsync(), StringComparison.Ordinal);
        JsonElement list = await (await again.GetAsync("/v1/models")).JsonAsync();
        Assert.Equal(["mine", "newer", "small", "small"], list.GetProperty("models").EnumerateArray().Select(m => m.GetProperty("name").GetString()).Order());
        Assert.Equal(["champion", "previous"], list.GetProperty("aliases").EnumerateArray().Select(a => a.GetProperty("name").GetString()));
        Assert.Equal(versions[0], list.GetProperty("default").GetString());
        Assert.Empty((await (await again.GetAsync("/v1/models/newer")).JsonAsync()).GetProperty("aliases").EnumerateArray());
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task An_uploaded_checkpoint_becomes_the_candidate_once_and_comes_back_byte_for_byte(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        using var elsewhere = new ModelFolder();
        await using var service = new Service(database.Settings);
        HttpClient client = await service.ReadyAsync();
        elsewhere.Add("mine", ModelFolder.SmallConfig);
        HttpResponseMessage created = await client.PostAsync("/v1/models", elsewhere.FormOf("mine", "my-model"));
        JsonElement model = await created.JsonAsync();
        Assert.Equal((HttpStatusCode.Created, $"/v1/models/{model.Id()}"), (created.StatusCode, created.Headers.Location!.OriginalString));
        Assert.Equal(("my-model", "stored"), (model.GetProperty("name").GetString(), model.GetProperty("state").GetString()));
        Assert.Equal(["candidate"], model.GetProperty("aliases").EnumerateArray().Select(a => a.GetString()));
        Assert.StartsWith("small@", await client.AnswersAsync(), StringComparison.Ordinal);
        Assert.StartsWith("my-model@", await client.AnswersAsync("?model=candidate"), StringComparison.Ordinal);

        byte[] weights = await File.ReadAllBytesAsync(elsewhere.FileOf("mine"));
        HttpResponseMessage back = await client.GetAsync($"/v1/models/{model.Id()}/weights");
        Assert.Equal(weights, await back.Content.ReadAsByteArrayAsync());
        Assert.Equal($"\"{model.GetProperty("sha256").GetString()}\"", back.Headers.ETag!.Tag);
        Assert.Equal($"sha-256=:{Convert.ToBase64String(SHA256.HashData(weights))}:", Assert.Single(back.Headers.GetValues("Repr-Digest")));
        Assert.Equal("my-model.safetensors", back.Content.Headers.ContentDisposition!.FileName);
        Assert.Equal(await File.ReadAllBytesAsync(Checkpoint.CardPath(elsewhere.FileOf("mine"))), await client.GetByteArrayAsync($"/v1/models/candidate/card"));

        await client.UploadAsync(elsewhere, "next");
        HttpResponseMessage twice = await client.PostAsync("/v1/models", elsewhere.FormOf("mine", "another-name"));
        Assert.Equal((HttpStatusCode.OK, model.Id()), (twice.StatusCode, (await twice.JsonAsync()).Id()));
        Assert.NotEqual(model.Id(), (await client.AliasesAsync())["candidate"]);

        await service.DamageAsync(model.GetProperty("sha256").GetString()!);
        await (await client.GetAsync($"/v1/models/{model.Id()}/weights")).ProblemAsync(HttpStatusCode.InternalServerError, "stored-data-damaged");
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task A_job_registers_the_checkpoint_it_made(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        using var elsewhere = new ModelFolder();
        await using var service = new Service(database.Settings);
        HttpClient client = await service.ReadyAsync();
        elsewhere.Add("trained", ModelFolder.SmallConfig);
        var registry = service.Services.GetRequiredService<ModelRegistry>();
        var checkpoint = new NewCheckpoint("trained", File.ReadAllBytes(elsewhere.FileOf("trained")), File.ReadAllBytes(Checkpoint.CardPath(elsewhere.FileOf("trained")))) { SourceJobId = "job-7" };
        string[] ids = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () => (await registry.AddAsync(checkpoint, new MovedBy("job job-7"), CancellationToken.None)).Version.Id)));
        string id = Assert.Single(ids.Distinct());
        JsonElement model = await (await client.GetAsync("/v1/models/candidate")).JsonAsync();
        Assert.Equal((id, "trained", "job-7"), (model.Id(), model.GetProperty("name").GetString(), model.GetProperty("sourceJobId").GetString()));
        JsonElement line = (await (await client.GetAsync("/v1/models/promotions")).JsonAsync()).GetProperty("promotions")[0];
        Assert.Equal(("candidate", "job job-7"), (line.GetProperty("alias").GetString(), line.GetProperty("by").GetString()));
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task A_version_that_is_aliased_served_or_wanted_by_a_job_is_not_deleted(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        using var elsewhere = new ModelFolder();
        await using var service = new Service(new(database.Settings) { ["Roles:Worker"] = "false" }); // jobs stay open
        HttpClient client = await service.ReadyAsync();
        string first = (await client.AliasesAsync())["champion"], second = (await client.UploadAsync(elsewhere, "second")).Id(), third = (await client.UploadAsync(elsewhere, "third")).Id();
        foreach (string id in (string[])[first, third]) await (await client.DeleteAsync($"/v1/models/{id}")).ProblemAsync(HttpStatusCode.Conflict, "model-in-use");
        Assert.Equal("champion", (await (await client.DeleteAsync("/v1/models/champion")).ProblemAsync(HttpStatusCode.Conflict, "model-in-use")).GetProperty("actual").GetString());
        await (await client.DeleteAsync("/v1/models/second")).ProblemAsync(HttpStatusCode.NotFound, "unknown-model"); // a name could mean another one tomorrow

        await client.AnswersAsync("?model=second"); // loads it
        using (service.Loaded.Find(second)) await (await client.DeleteAsync($"/v1/models/{second}")).ProblemAsync(HttpStatusCode.Conflict, "model-in-use");
        string job = await client.SubmitAsync(new JsonObject { ["checkpoint"] = second, ["protocol"] = JsonNode.Parse("""{"data":"sample","sigmas":[0.1]}""") }, "evaluation");
        Assert.Equal(job, (await (await client.DeleteAsync($"/v1/models/{second}")).ProblemAsync(HttpStatusCode.Conflict, "model-in-use")).GetProperty("actual").GetString());
        await client.PostAsync($"/v1/jobs/{job}/cancel", null);
        await client.UntilAsync(job, "cancelled");
        Assert.Equal(HttpStatusCode.NoContent, (await client.DeleteAsync($"/v1/models/{second}")).StatusCode);
        await (await client.GetAsync($"/v1/models/{second}")).ProblemAsync(HttpStatusCode.NotFound, "unknown-model");
        await (await client.DeleteAsync($"/v1/models/{second}")).ProblemAsync(HttpStatusCode.NotFound, "unknown-model");
        Assert.False(service.Loaded.Has(second));
        Assert.Equal(HttpStatusCode.Created, (await client.PostAsync("/v1/models", elsewhere.FormOf("second"))).StatusCode);
    }

    [Fact]
    public async Task A_stored_job_that_is_out_of_range_by_now_keeps_only_its_own_model()
    {
        using var elsewhere = new ModelFolder();
        await using var service = new Service(new() { ["Roles:Worker"] = "false" });
        HttpClient client = await service.ReadyAsync();
        string second = (await client.UploadAsync(elsewhere, "second")).Id(), third = (await client.UploadAsync(elsewhere, "third")).Id();
        await client.UploadAsync(elsewhere, "fourth"); // takes the alias candidate
        string job = await client.SubmitAsync(new JsonObject { ["checkpoint"] = second, ["protocol"] = JsonNode.Parse("""{"data":"sample","sigmas":[0.1]}""") }, "evaluation");
        await using (Store store = service.Store())
        {
            string stored = (await store.Jobs.AsNoTracking().SingleAsync()).EffectiveRequest!, narrower = stored.Replace("\"overlap\":8", "\"overlap\":-1", StringComparison.Ordinal);
            Assert.NotEqual(stored, narrower);
            await store.Jobs.ExecuteUpdateAsync(set => set.SetProperty(j => j.EffectiveRequest, narrower));
        }

        Assert.Equal(job, (await (await client.DeleteAsync($"/v1/models/{second}")).ProblemAsync(HttpStatusCode.Conflict, "model-in-use")).GetProperty("actual").GetString());
        Assert.Equal(HttpStatusCode.NoContent, (await client.DeleteAsync($"/v1/models/{third}")).StatusCode);
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task Lists_go_page_by_page_and_newest_first(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        using var elsewhere = new ModelFolder();
        await using var service = new Service(database.Settings);
        HttpClient client = await service.ReadyAsync();
        foreach (string name in (string[])["b", "c", "d", "e"]) await client.UploadAsync(elsewhere, name);
        Assert.Equal(["e", "d", "c", "b", "small"], await PagesAsync("/v1/models", "models", "name"));
        Assert.Equal(5, (await PagesAsync("/v1/models/promotions", "promotions", "id")).Distinct().Count());
        foreach (string query in (string[])["limit=0", "limit=201", "cursor=%00"]) await (await client.GetAsync("/v1/models?" + query)).ProblemAsync(HttpStatusCode.BadRequest, "invalid-parameter");

        async Task<List<string>> PagesAsync(string route, string items, string field)
        {
            var all = new List<string>();
            string? cursor = "";
            while (cursor is not null)
            {
                JsonElement page = await (await client.GetAsync($"{route}?limit=2&cursor={cursor}")).JsonAsync();
                all.AddRange(page.GetProperty(items).EnumerateArray().Select(i => i.GetProperty(field).GetString()!));
                cursor = page.GetProperty("nextCursor").GetString();
            }

            return all;
        }
    }
}
