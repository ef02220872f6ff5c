using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using DenoiseService.Api.Jobs;
using DenoiseService.Api.Storage;
using DenoiseService.Api.Tests.Models;
using DenoiseService.Api.Tests.Storage;
using DenoiseService.Api.Tests.Support;
using DenoiseService.Model;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace DenoiseService.Api.Tests.Jobs;

[Collection(Databases.Collection)]
public sealed class JobsTests(Databases databases)
{
    private static readonly Dictionary<string, string> NoWorker = new() { ["Roles:Worker"] = "false" };

    [Theory, OnSqlite, OnPostgreSql]
    public async Task A_training_is_stored_before_the_answer_runs_and_ends_in_files_and_a_model_version(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        await using var service = new Service(database.Settings);
        HttpClient client = await service.ReadyAsync();
        HttpResponseMessage response = await client.PostAsync("training", JobClient.Training(seed: null));
        JsonElement job = await response.JsonAsync();
        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        string id = job.GetProperty("id").GetString()!;
        Assert.Equal($"/v1/jobs/{id}", response.Headers.Location!.ToString());
        long seed = job.GetProperty("seed").GetInt64();
        Assert.True(seed > 0);
        Assert.Equal(seed, job.GetProperty("request").GetProperty("seed").GetInt64());

        job = await client.UntilAsync(id, "succeeded");
        Assert.Equal((100, 20, 1), (job.GetProperty("percent").GetDouble(), job.GetProperty("step").GetInt64(), job.GetProperty("attempts").GetInt32()));
        Assert.Equal(64, job.GetProperty("dataChecksum").GetString()!.Length);
        JsonElement version = await (await client.GetAsync($"/v1/models/{job.GetProperty("resultVersionId").GetString()}")).JsonAsync();
        Assert.Equal((id, JobSubmission.Commit), (version.GetProperty("sourceJobId").GetString(), version.GetProperty("commit").GetString()));
        JsonElement[] artifacts = [.. (await (await client.GetAsync($"/v1/jobs/{id}/artifacts")).JsonAsync()).EnumerateArray()];
        Assert.Equal(["best.json", "best.safetensors", "history.csv", "recipe.json", "samples/step-00000010.png", "samples/step-00000020.png"], artifacts.Select(a => a.GetProperty("name").GetString()));
        HttpResponseMessage curve = await client.GetAsync($"/v1/jobs/{id}/artifacts/history.csv");
        Assert.Equal("text/csv", curve.Content.Headers.ContentType!.MediaType);
        Assert.Equal(3, (await curve.Content.ReadAsStringAsync()).Trim().Split('\n').Length);
        string card = await client.GetStringAsync($"/v1/jobs/{id}/artifacts/best.json");
        Assert.Contains("\"sample\"", card, StringComparison.Ordinal);
        Assert.DoesNotContain(AppContext.BaseDirectory, card, StringComparison.Ordinal);
        Assert.Equal(20, Assert.Single((await (await client.GetAsync($"/v1/jobs/{id}/checkpoints")).JsonAsync()).EnumerateArray().Take(1)).GetProperty("step").GetInt64());
        Assert.Contains("succeeded", await client.GetStringAsync($"/v1/jobs/{id}/logs"), StringComparison.Ordinal);
        JobClient.NeverTwoOwners(await client.EventsAsync(id));
        await (await client.GetAsync($"/v1/jobs/{id}/artifacts/..%2F..%2Fdenoise.db")).ProblemAsync(HttpStatusCode.NotFound, "unknown-artifact");
        await (await client.GetAsync($"/v1/jobs/{id}/artifacts/none.png")).ProblemAsync(HttpStatusCode.NotFound, "unknown-artifact");
        Assert.False(Directory.Exists(Path.Combine(database.Folder, "jobs", id)));
    }

    [Fact]
    public async Task A_long_log_comes_whole_and_in_its_order()
    {
        await using var service = new Service(NoWorker);
        HttpClient client = await service.ReadyAsync();
        string id = await client.SubmitAsync();
        string before = await client.GetStringAsync($"/v1/jobs/{id}/logs");
        await using (Store store = service.Store())
        {
            long last = await store.JobEvents.Where(e => e.JobId == id).MaxAsync(e => e.Sequence);
            for (int i = 1; i <= 1500; i++)
            {
                (string type, string data) = i % 3 == 0 ? (JobEvents.Progress, "{}") : (JobEvents.Log, $$"""{"message":"line {{i}}"}"""); // progress is no line of the log
                store.JobEvents.Add(new JobEvent { JobId = id, Sequence = last + i, At = DateTimeOffset.UnixEpoch, Type = type, Data = data });
            }

            await store.SaveChangesAsync();
        }

        HttpResponseMessage response = await client.GetAsync($"/v1/jobs/{id}/logs");
        Assert.Equal("text/plain; charset=utf-8", response.Content.Headers.ContentType!.ToString());
        Assert.Equal(before + string.Concat(Enumerable.Range(1, 1500).Where(i => i % 3 != 0).Select(i => $"1970-01-01 00:00:00Z line {i}\n")), await response.Content.ReadAsStringAsync());
        await (await client.GetAsync("/v1/jobs/none/logs")).ProblemAsync(HttpStatusCode.NotFound, "unknown-job");
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task An_idempotency_key_makes_one_job_and_refuses_another_body(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        await using var service = new Service(new(database.Settings) { ["Roles:Worker"] = "false" });
        HttpClient client = await service.ReadyAsync();
        HttpResponseMessage[] many = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => client.PostAsync("training", JobClient.Training(), "once")));
        Assert.All(many, r => Assert.True(r.StatusCode is HttpStatusCode.Accepted or HttpStatusCode.Conflict, r.StatusCode.ToString()));
        HttpResponseMessage again = await client.PostAsync("training", JobClient.Training(), "once");
        Assert.Equal("true", Assert.Single(again.Headers.GetValues("Idempotency-Replayed")));
        string id = (await again.JsonAsync()).GetProperty("id").GetString()!;
        foreach (HttpResponseMessage response in many.Where(r => r.StatusCode == HttpStatusCode.Accepted)) Assert.Equal(id, (await response.JsonAsync()).GetProperty("id").GetString());
        await (await client.PostAsync("training", JobClient.Training(steps: 21), "once")).ProblemAsync(HttpStatusCode.UnprocessableEntity, "idempotency-key-reused");
        Assert.Single((await (await client.GetAsync("/v1/jobs")).JsonAsync()).GetProperty("jobs").EnumerateArray());
        await (await client.PostAsync("training", JobClient.Training(), "with blank")).ProblemAsync(HttpStatusCode.BadRequest, "invalid-parameter");
    }

    [Theory]
    [InlineData("training", """{"data":[{"path":"sample"}],"batchSize":0}""", "batchSize")]
    [InlineData("training", """{"data":[{"path":"sample"}],"batchsizes":3}""", "batchsizes")]
    [InlineData("training", """{"data":[{"path":"sample"}],"batchSize":"many"}""", "batchSize")]
    [InlineData("training", """{"data":[{"path":"../etc"}]}""", "data.path")]
    [InlineData("training", """{"data":[{"path":"sample","range":"9-3"}]}""", "data.range")]
    [InlineData("training", """{"data":[]}""", "data")]
    [InlineData("training", """{"data":[{}]}""", "data[0].path")]
    [InlineData("training", """{"data":[{"path":"sample"}],"model":{"width":0}}""", "model")]
    [InlineData("training", """{"data":null}""", "data")]
    [InlineData("training", """{"data":[null]}""", "data")]
    [InlineData("training", """{"data":[{"path":"sample"}],"model":{"tileSide":256}}""", "model")]
    [InlineData("ablation", """{"data":{"path":"sample"},"variants":[null]}""", "variants")]
    [InlineData("evaluation", """{"checkpoint":"small","protocol":5}""", "protocol")]
    [InlineData("training", """{"data":[{"path":"sample"}],"initial":"nobody"}""", "initial")]
    [InlineData("training", """{"data":[{"path":"sample"}],"precision":"BFloat16"}""", "precision")]
    [InlineData("training", """{"data":[{"path":"mine","patches":10000000}]}""", "data.path")]
    [InlineData("training", """{"data":[{"path":"sample"}],"batchSize":65536}""", "batchSize")]
    [InlineData("ablation", """{"data":{"path":"sample"},"recipe":{"model":{"tileSide":1024,"patchSide":1}}}""", "batchSize")]
    [InlineData("robustness", """{"data":{"path":"sample"},"recipe":{"batchSize":65536}}""", "batchSize")]
    [InlineData("ablation", """{"data":{"path":"cifar10"}}""", "data.path")]
    [InlineData("ablation", """{"data":{"path":"sample"},"variants":["huge"]}""", "variants")]
    [InlineData("ablation", """{"data":{"path":"sample","train":"0-9","validation":"5-12","test":"20-22"}}""", "validation")]
    [InlineData("robustness", """{"data":{"path":"sample"},"seeds":[]}""", "seeds")]
    [InlineData("scaling", """{"sides":[33]}""", "sides")]
    [InlineData("routing", """{"checkpoint":"huge","data":["sample"]}""", "checkpoint")]
    [InlineData("routing", """{"checkpoint":"small","data":["sample"],"permutations":0}""", "permutations")]
    [InlineData("evaluation", """{"checkpoint":"small","protocol":{"data":"sample","sigmas":[]}}""", "sigmas")]
    [InlineData("evaluation", """{"checkpoint":"small","protocol":{"sigmas":[0.1]}}""", "protocol.data")]
    [InlineData("evaluation", """{"checkpoint":"small","protocol":{"data":"sample","sigmas":[0.1],"mode":7}}""", "mode")]
    [InlineData("evaluation", """{"checkpoint":"small","protocol":{"data":"sample","sigmas":[0.1],"told":true}}""", "protocol.told")]
    [InlineData("training", """{"data":[{"path":"sample"}],"toldShare":0.5}""", "toldShare")]
    [InlineData("training", """{"data":[{"path":"sample"}],"clipNorm":1e999}""", "clipNorm")]
    [InlineData("training", """{"data":[{"path":"sample","share":1e999}]}""", "data[0].share")]
    [InlineData("scaling", """{"sides":[32],"cellSeconds":1e999}""", "cellSeconds")]
    public async Task What_is_wrong_with_a_request_is_said_with_the_fields_name_and_nothing_is_stored(string kind, string body, string field)
    {
        await using var service = new Service(NoWorker);
        HttpClient client = await service.ReadyAsync();
        JsonElement problem = await (await client.PostAsync(kind, JsonNode.Parse(body)!)).ProblemAsync(HttpStatusCode.UnprocessableEntity, "invalid-field");
        Assert.Equal(field, problem.GetProperty("parameter").GetString());
        Assert.Empty((await (await client.GetAsync("/v1/jobs")).JsonAsync()).GetProperty("jobs").EnumerateArray());
    }

    [Theory]
    [InlineData("""{"data":[{"path":"sample"}],"seed":1,"Seed":2}""")]
    [InlineData("""{"data":[{"path":"sample"}],"model":{"width":16,"Width":32}}""")]
    [InlineData("""{"data":[{"path":"\ud800"}]}""")]
    [InlineData("""{"data":[{"path":"sample"}],"\udfff":1}""")]
    [InlineData("""{"data":[{"path":"é"}]}""")]
    [InlineData("""[{"path":"sample"}]""")]
    public async Task A_body_that_names_a_field_twice_or_is_no_utf8_is_malformed(string body)
    {
        await using var service = new Service(NoWorker);
        HttpResponseMessage response = await service.CreateClient().PostAsync("/v1/training-jobs", Support.Pictures.Raw(Encoding.Latin1.GetBytes(body), "application/json"));
        await response.ProblemAsync(HttpStatusCode.BadRequest, "bad-request");
    }

    [Fact]
    public async Task A_name_of_any_length_is_not_repeated_whole()
    {
        await using var service = new Service(NoWorker);
        JsonObject body = JobClient.Training();
        body["initial"] = new string('x', 5000);
        JsonElement problem = await (await service.CreateClient().PostAsync("training", body)).ProblemAsync(HttpStatusCode.UnprocessableEntity, "invalid-field");
        Assert.Equal("initial", problem.GetProperty("parameter").GetString());
        Assert.InRange(problem.GetProperty("detail").GetString()!.Length, 64, 200);
    }

    [Fact]
    public async Task A_network_that_is_too_large_at_the_services_overlap_is_refused_before_it_is_trained()
    {
        await using var service = new Service(new(NoWorker) { ["Inference:Overlap"] = "200" }); // tiles must be larger than that
        JsonObject body = JobClient.Training();
        body["model"] = JsonNode.Parse("""{"width":16,"heads":2,"blocks":1,"tileSide":256,"windowSide":8,"feedForwardWidth":65536,"routerWidth":8,"keysKept":[4,16]}""");
        JsonElement problem = await (await service.CreateClient().PostAsync("training", body)).ProblemAsync(HttpStatusCode.UnprocessableEntity, "invalid-field");
        Assert.Equal("model", problem.GetProperty("parameter").GetString());
        Assert.Contains("bytes of memory", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, "[1,2]", null)]
    [InlineData(2, "[1]", null)] // there is but one training
    [InlineData(2, "[1,2]", "A step's 8 images, of all trainings side by side, take about 1589248 bytes of memory; the limit is 1048576 bytes, 5 images.")]
    public async Task Batches_of_trainings_side_by_side_fit_into_memory_together(int workers, string seeds, string? refused)
    {
        await using var service = new Service(new(NoWorker) { ["Jobs:MaxBatchBytes"] = $"{1 << 20}" });
        HttpClient client = await service.ReadyAsync();
        // 64 tokens · (3 · 3 · 16 + 4 + 16) + 2 heads · 64² scores + 6 · 32² pixels are 24,832 numbers of 4 bytes, twice.
        JsonNode body = JsonNode.Parse($$$"""{"data":{"path":"sample"},"variants":["adaptive"],"seeds":{{{seeds}}},"workers":{{{workers}}},"recipe":{"model":{"width":16,"heads":2,"blocks":1,"feedForwardWidth":16,"routerWidth":4},"batchSize":4}}""")!;
        HttpResponseMessage response = await client.PostAsync("ablation", body);
        if (refused is null)
        {
            Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
            return;
        }

        JsonElement problem = await response.ProblemAsync(HttpStatusCode.UnprocessableEntity, "invalid-field");
        Assert.Equal(("batchSize", refused), (problem.GetProperty("parameter").GetString(), problem.GetProperty("detail").GetString()));
    }

    [Theory]
    [InlineData(true, 160, 4)]
    [InlineData(true, 96, 8)]
    [InlineData(false, 32, 64)]
    public async Task Our_own_recipes_fit_into_a_sixteenth_of_the_usual_memory(bool photographs, int side, int images)
    {
        await using var service = new Service(new(NoWorker) { ["Jobs:MaxBatchBytes"] = $"{1 << 30}" });
        JsonObject body = JobClient.Training();
        (body["model"], body["batchSize"]) = (JsonSerializer.SerializeToNode((photographs ? ModelConfig.Photographs : new ModelConfig()) with { TileSide = side }, JsonSerializerOptions.Web), images);
        await (await service.ReadyAsync()).SubmitAsync(body);
    }

    [Fact]
    public async Task An_artifact_whose_stored_bytes_are_damaged_says_so()
    {
        await using var service = new Service(NoWorker);
        HttpClient client = service.CreateClient();
        string id = await client.SubmitAsync();
        (string sha256, long length) = await service.Services.GetRequiredService<BlobStore>().PutAsync(new byte[] { 1, 2, 3 }, CancellationToken.None);
        await service.Services.GetRequiredService<JobStore>().ChangeAsync(id, c => c.Artifact("curve.csv", "text/csv", sha256, length), CancellationToken.None);
        await using (Store store = service.Store()) await store.BlobChunks.Where(c => c.Sha256 == sha256).ExecuteDeleteAsync();
        await (await client.GetAsync($"/v1/jobs/{id}/artifacts/curve.csv")).ProblemAsync(HttpStatusCode.InternalServerError, "stored-data-damaged");
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task Jobs_are_listed_in_pages_and_filtered(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        await using var service = new Service(new(database.Settings) { ["Roles:Worker"] = "false" });
        HttpClient client = await service.ReadyAsync();
        string[] ids = new string[5];
        for (int i = 0; i < ids.Length; i++)
        {
            ids[i] = await client.SubmitAsync(i == 2 ? JsonNode.Parse("""{"sides":[32]}""") : null, i == 2 ? "scaling" : "training");
            await Task.Delay(3); // ids sort by their millisecond
        }

        var seen = new List<string>();
        for (string? cursor = ""; cursor is not null;)
        {
            JsonElement page = await (await client.GetAsync($"/v1/jobs?limit=2&cursor={cursor}")).JsonAsync();
            seen.AddRange(page.GetProperty("jobs").EnumerateArray().Select(j => j.GetProperty("id").GetString()!));
            cursor = page.GetProperty("next").GetString();
        }

        Assert.Equal(ids.Reverse(), seen);
        Assert.Equal(HttpStatusCode.Accepted, (await client.PostAsync($"/v1/jobs/{ids[0]}/cancel", null)).StatusCode);
        Assert.Equal([ids[2]], await Of("kind=scaling"));
        Assert.Equal([ids[0]], await Of("state=cancelled"));
        Assert.Equal(5, (await Of("state=queued,cancelled&kind=training,scaling")).Length);
        await (await client.GetAsync("/v1/jobs?state=sleeping")).ProblemAsync(HttpStatusCode.BadRequest, "invalid-parameter");
        foreach (string cursor in (string[])["%00", "x"]) await (await client.GetAsync("/v1/jobs?cursor=" + cursor)).ProblemAsync(HttpStatusCode.BadRequest, "invalid-parameter");
        await (await client.GetAsync("/v1/jobs?limit=0")).ProblemAsync(HttpStatusCode.BadRequest, "invalid-parameter");
        await (await client.GetAsync("/v1/jobs/none")).ProblemAsync(HttpStatusCode.NotFound, "unknown-job");

        async Task<string[]> Of(string query) => [.. (await (await client.GetAsync($"/v1/jobs?{query}")).JsonAsync()).GetProperty("jobs").EnumerateArray().Select(j => j.GetProperty("id").GetString()!)];
    }

    [Theory]
    [InlineData("ablation", """{"data":{"path":"sample"},"variants":["standard","adaptive"],"seeds":[1],"recipe":{"model":{"width":16,"heads":2,"blocks":1,"feedForwardWidth":16,"routerWidth":4},"steps":4,"validateEvery":2,"batchSize":4}}""", "ablation.svg")]
    [InlineData("robustness", """{"data":{"path":"sample"},"seeds":[1],"sigmas":[0.1,0.2],"recipe":{"model":{"width":16,"heads":2,"blocks":1,"feedForwardWidth":16,"routerWidth":4},"steps":4,"validateEvery":2,"batchSize":4}}""", "results.csv")]
    [InlineData("scaling", """{"sides":[32],"repeats":1,"cellSeconds":1,"model":{"width":16,"heads":2,"blocks":1}}""", "results.csv")]
    [InlineData("routing", """{"checkpoint":"small","data":["sample"],"permutations":9,"shown":1}""", "results.csv")]
    [InlineData("evaluation", """{"checkpoint":"small","protocol":{"data":"sample","sigmas":[0.1],"range":{"first":0,"last":7,"count":8},"clamp":true,"mode":"high"}}""", "results.csv")]
    public async Task Every_kind_of_experiment_runs_and_leaves_its_report(string kind, string body, string file)
    {
        await using var service = new Service();
        HttpClient client = await service.ReadyAsync();
        string id = await client.SubmitAsync(JsonNode.Parse(body)!, kind);
        await client.UntilAsync(id, "succeeded");
        string[] names = [.. (await (await client.GetAsync($"/v1/jobs/{id}/artifacts")).JsonAsync()).EnumerateArray().Select(a => a.GetProperty("name").GetString()!)];
        foreach (string name in (string[])["report.md", "results.json", file]) Assert.Contains(name, names);
        Assert.Equal("text/markdown", (await client.GetAsync($"/v1/jobs/{id}/artifacts/report.md")).Content.Headers.ContentType!.MediaType);
        Assert.DoesNotContain(service.Models.Path, await client.GetStringAsync($"/v1/jobs/{id}/artifacts/results.json"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_training_that_starts_from_a_model_has_its_network_and_weights_and_names_them_in_the_record()
    {
        await using var service = new Service();
        HttpClient client = await service.ReadyAsync();
        string champion = (await client.AliasesAsync())["champion"];
        JsonObject body = JobClient.Training(steps: 1, validateEvery: 1);
        body.Remove("model");
        (body["initial"], body["learningRate"]) = ("champion", 1e-9);
        string id = await client.SubmitAsync(body);
        JsonElement job = await client.UntilAsync(id, "succeeded");
        Assert.Equal(champion, job.GetProperty("request").GetProperty("initial").GetString());
        JsonElement card = await (await client.GetAsync($"/v1/jobs/{id}/artifacts/best.json")).JsonAsync();
        JsonElement parent = await (await client.GetAsync($"/v1/models/{champion}")).JsonAsync();
        Assert.Equal(parent.GetProperty("sha256").GetString(), card.GetProperty("training").GetProperty("initialSha256").GetString());
        using SafetensorsFile before = Safetensors.Parse(await File.ReadAllBytesAsync(Directory.GetFiles(service.Models.Path, "*.safetensors").Single()), "before"), after = Safetensors.Parse(await client.GetByteArrayAsync($"/v1/jobs/{id}/artifacts/best.safetensors"), "after");
        Assert.Equal(before.Tensors.Keys.Order(), after.Tensors.Keys.Order());
        foreach ((string name, TorchSharp.torch.Tensor weights) in before.Tensors) Assert.Equal(weights.data<float>().ToArray(), after.Tensors[name].data<float>().ToArray().AsEnumerable(), (x, y) => Math.Abs(x - y) < 1e-6);
    }

    [Theory]
    [InlineData("routing", """{"checkpoint":"champion","data":["sample"],"permutations":9,"shown":1}""")]
    [InlineData("evaluation", """{"checkpoint":"champion","protocol":{"data":"sample","sigmas":[0.1]}}""")]
    public async Task A_job_reads_the_version_that_its_model_meant_when_it_was_sent(string kind, string body)
    {
        using var elsewhere = new ModelFolder();
        await using var service = new Service(new() { ["Roles:Worker"] = "false" });
        HttpClient client = await service.ReadyAsync();
        string before = (await client.AliasesAsync())["champion"];
        string id = await client.SubmitAsync(JsonNode.Parse(body)!, kind);
        await client.UploadAsync(elsewhere, "other");
        Assert.Equal(HttpStatusCode.OK, (await client.PromoteAsync("other")).StatusCode);
        Assert.NotEqual(before, (await client.AliasesAsync())["champion"]);
        Assert.Equal(before, (await client.JobAsync(id)).GetProperty("request").GetProperty("checkpoint").GetString());
    }

    [Fact]
    public async Task A_job_that_fails_says_why_without_a_path_of_the_machine()
    {
        await using var service = new Service();
        HttpClient client = await service.ReadyAsync();
        JsonObject body = JobClient.Training();
        body["data"]![0]!["range"] = "0-4000";
        string id = await client.SubmitAsync(body);
        JsonElement job = await client.UntilAsync(id, "failed");
        Assert.Contains("64 images", job.GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.DoesNotContain("/", job.GetProperty("error").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_job_whose_archive_is_missing_on_the_worker_says_so_without_its_path()
    {
        await using var service = new Service(new() { ["Datasets:Cifar10Path"] = Path.Combine(Path.GetTempPath(), "no-such-archive") });
        HttpClient client = await service.ReadyAsync();
        JsonObject body = JobClient.Training();
        body["data"]![0]!["path"] = "cifar10";
        JsonElement job = await client.UntilAsync(await client.SubmitAsync(body), "failed");
        Assert.Contains("cifar10", job.GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.DoesNotContain("/", job.GetProperty("error").GetString(), StringComparison.Ordinal);
    }
}
