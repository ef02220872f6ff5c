using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using DenoiseService.Api.Jobs.Engine;
using DenoiseService.Api.Storage;
using DenoiseService.Api.Tests.Models;
using DenoiseService.Api.Tests.Storage;
using DenoiseService.Api.Tests.Support;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace DenoiseService.Api.Tests.Jobs;

[Collection(Databases.Collection)]
public sealed class JobControlTests(Databases databases)
{
    [Theory, OnSqlite, OnPostgreSql]
    public async Task A_queued_job_that_is_cancelled_never_starts(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        string id, other;
        await using (var front = new Service(new(database.Settings) { ["Roles:Worker"] = "false" }))
        {
            HttpClient client = await front.ReadyAsync();
            id = await client.SubmitAsync();
            other = await client.SubmitAsync();
            Assert.Equal("cancelled", (await (await client.PostAsync($"/v1/jobs/{id}/cancel", null)).JsonAsync()).State());
            Assert.Equal(HttpStatusCode.Accepted, (await client.PostAsync($"/v1/jobs/{id}/cancel", null)).StatusCode); // twice is no error
        }

        await using var worker = new Service(database.Settings);
        HttpClient back = await worker.ReadyAsync();
        await back.UntilAsync(other, "succeeded");
        JsonElement job = await back.JobAsync(id);
        Assert.Equal(("cancelled", 0), (job.State(), job.GetProperty("attempts").GetInt32()));
        await (await back.PostAsync($"/v1/jobs/{other}/cancel", null)).ProblemAsync(HttpStatusCode.Conflict, "job-state");
        await (await back.PostAsync($"/v1/jobs/{other}/resume", null)).ProblemAsync(HttpStatusCode.Conflict, "job-state");
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task A_running_job_that_is_cancelled_stops_keeps_its_checkpoints_registers_nothing_and_a_new_job_goes_on_from_it(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        await using var service = new Service(new(database.Settings) { ["Jobs:CheckpointSeconds"] = "0" });
        HttpClient client = await service.ReadyAsync();
        string id = await client.SubmitAsync(JobClient.Training(steps: 100_000));
        await client.StepsAsync(id, 20);
        long started = TimeProvider.System.GetTimestamp();
        Assert.Equal("cancelling", (await (await client.PostAsync($"/v1/jobs/{id}/cancel", null)).JsonAsync()).State());
        JsonElement job = await client.UntilAsync(id, "cancelled");
        Assert.True(TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(5));
        Assert.Null(job.GetProperty("resultVersionId").GetString());
        JsonElement[] points = [.. (await (await client.GetAsync($"/v1/jobs/{id}/checkpoints")).JsonAsync()).EnumerateArray()];
        Assert.InRange(points.Length, 1, 3);

        JsonElement next = await (await client.PostAsync($"/v1/jobs/{id}/resume", null)).JsonAsync();
        Assert.Equal((id, job.GetProperty("seed").GetInt64()), (next.GetProperty("parentId").GetString(), next.GetProperty("seed").GetInt64()));
        Assert.Equal(job.GetProperty("dataChecksum").GetString(), next.GetProperty("dataChecksum").GetString()); // other pictures of the same name are refused
        string child = next.GetProperty("id").GetString()!;
        long step = points[0].GetProperty("step").GetInt64();
        await client.StepsAsync(child, step + 1);
        await client.LogsAsync(child, $"Goes on from step {step}.");
        await client.PostAsync($"/v1/jobs/{child}/cancel", null);
        await client.UntilAsync(child, "cancelled");
        await using Store store = service.Services.GetRequiredService<IDbContextFactory<Store>>().CreateDbContext();
        Assert.Equal(0, await store.ModelVersions.CountAsync(v => v.SourceJobId != null));
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task A_drained_job_goes_on_at_the_next_start_and_a_resume_of_an_interrupted_one_queues_it(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        string id;
        await using (var first = new Service(new(database.Settings) { ["Jobs:CheckpointSeconds"] = "1000" }))
        {
            HttpClient client = await first.ReadyAsync();
            id = await client.SubmitAsync(JobClient.Training(steps: 100_000));
            await client.StepsAsync(id, 10);
        }

        await using (var front = new Service(new(database.Settings) { ["Roles:Worker"] = "false" }))
        {
            HttpClient client = await front.ReadyAsync();
            JsonElement job = await client.JobAsync(id);
            Assert.Equal(("interrupted", 0), (job.State(), job.GetProperty("attempts").GetInt32())); // an orderly stop is no failed start
            Assert.Equal("queued", (await (await client.PostAsync($"/v1/jobs/{id}/resume", null)).JsonAsync()).State());
        }

        await using var second = new Service(database.Settings);
        HttpClient back = await second.ReadyAsync();
        await back.UntilAsync(id, "running");
        await back.StepsAsync(id, 20);
        await back.LogsAsync(id, "Goes on from step");
        await back.PostAsync($"/v1/jobs/{id}/cancel", null);
        await back.UntilAsync(id, "cancelled");
        JobClient.NeverTwoOwners(await back.EventsAsync(id));
    }

    [Fact]
    public async Task A_tuning_that_has_a_checkpoint_goes_on_without_the_model_that_it_began_with()
    {
        using var elsewhere = new ModelFolder();
        await using var service = new Service(new() { ["Jobs:CheckpointSeconds"] = "0" });
        HttpClient client = await service.ReadyAsync();
        string model = await UnaliasedAsync(client, elsewhere);
        string id = await client.SubmitAsync(Tuning(model));
        await client.StepsAsync(id, 20);
        await client.PostAsync($"/v1/jobs/{id}/cancel", null);
        await client.UntilAsync(id, "cancelled");
        Assert.Equal(HttpStatusCode.NoContent, (await client.DeleteAsync($"/v1/models/{model}")).StatusCode);

        string child = (await (await client.PostAsync($"/v1/jobs/{id}/resume", null)).JsonAsync()).GetProperty("id").GetString()!;
        long step = (await (await client.GetAsync($"/v1/jobs/{id}/checkpoints")).JsonAsync())[0].GetProperty("step").GetInt64();
        await client.StepsAsync(child, step + 1);
        await client.PostAsync($"/v1/jobs/{child}/cancel", null);
        await client.UntilAsync(child, "cancelled");
    }

    [Fact]
    public async Task A_job_that_has_no_weights_of_its_own_is_not_resumed_once_its_model_is_deleted()
    {
        using var elsewhere = new ModelFolder();
        await using var service = new Service(new() { ["Roles:Worker"] = "false" });
        HttpClient client = await service.ReadyAsync();
        string model = await UnaliasedAsync(client, elsewhere);
        string[] ids = [await client.SubmitAsync(Tuning(model)), await client.SubmitAsync(new JsonObject { ["checkpoint"] = model, ["protocol"] = JsonNode.Parse("""{"data":"sample","sigmas":[0.1]}""") }, "evaluation")];
        foreach (string id in ids) Assert.Equal("cancelled", (await (await client.PostAsync($"/v1/jobs/{id}/cancel", null)).JsonAsync()).State());
        Assert.Equal(HttpStatusCode.NoContent, (await client.DeleteAsync($"/v1/models/{model}")).StatusCode);
        foreach (string id in ids)
        {
            JsonElement problem = await (await client.PostAsync($"/v1/jobs/{id}/resume", null)).ProblemAsync(HttpStatusCode.Conflict, "job-state");
            Assert.Equal(("model", model), (problem.GetProperty("parameter").GetString(), problem.GetProperty("actual").GetString()));
        }

        Assert.Equal(ids.Length, (await (await client.GetAsync("/v1/jobs")).JsonAsync()).GetProperty("jobs").GetArrayLength());
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task Old_jobs_are_deleted_with_all_that_belongs_to_them_and_young_ones_stay(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        await using var service = new Service(new(database.Settings) { ["Jobs:KeepDays"] = "10" });
        HttpClient client = await service.ReadyAsync();
        string old = await client.SubmitAsync(), young = await client.SubmitAsync();
        await client.UntilAsync(old, "succeeded");
        await client.UntilAsync(young, "succeeded");
        IDbContextFactory<Store> stores = service.Services.GetRequiredService<IDbContextFactory<Store>>();
        await using Store store = stores.CreateDbContext();
        DateTimeOffset before = TimeProvider.System.GetUtcNow() - TimeSpan.FromDays(11);
        await store.Jobs.Where(j => j.Id == old).ExecuteUpdateAsync(s => s.SetProperty(j => j.FinishedAt, before));
        await service.Services.GetRequiredService<JobReconciler>().ReconcileAsync(CancellationToken.None);
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync($"/v1/jobs/{old}")).StatusCode);
        Assert.Equal(0, await store.JobEvents.CountAsync(e => e.JobId == old) + await store.JobArtifacts.CountAsync(a => a.JobId == old) + await store.JobCheckpoints.CountAsync(c => c.JobId == old));
        Assert.Equal("succeeded", (await client.JobAsync(young)).State());
    }

    /// <summary>Id of an uploaded model that can be deleted.</summary>
    private static async Task<string> UnaliasedAsync(HttpClient client, ModelFolder elsewhere)
    {
        string id = (await client.UploadAsync(elsewhere, "start")).Id();
        await client.UploadAsync(elsewhere, "later"); // takes the alias candidate
        return id;
    }

    private static JsonObject Tuning(string model)
    {
        JsonObject body = JobClient.Training(steps: 100_000);
        body.Remove("model");
        (body["initial"], body["learningRate"]) = (model, 1e-9);
        return body;
    }
}
