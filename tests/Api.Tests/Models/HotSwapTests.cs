using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Text.Json;
using DenoiseService.Api.Serving;
using DenoiseService.Api.Tests.Storage;
using DenoiseService.Api.Tests.Support;
using DenoiseService.Model;

namespace DenoiseService.Api.Tests.Models;

[Collection(Databases.Collection)]
public sealed class HotSwapTests(Databases databases)
{
    [Fact]
    public async Task A_hundred_swaps_under_load_fail_no_request_and_leave_memory_flat()
    {
        using var elsewhere = new ModelFolder();
        await using var service = new Service(new() { ["Inference:MaxBatchPatches"] = "512" });
        HttpClient client = await service.ReadyAsync();
        string[] ids = [(await client.AliasesAsync())["champion"], (await client.UploadAsync(elsewhere, "other")).Id()];
        var answers = new ConcurrentBag<string>();
        var failures = new ConcurrentQueue<string>();
        using var enough = new CancellationTokenSource();
        byte[] picture = Support.Pictures.Encode(70, 90);
        Task[] load = [.. Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            while (!enough.IsCancellationRequested)
            {
                using HttpResponseMessage answer = await client.PostAsync("/v1/denoise", Support.Pictures.Raw(picture));
                if (answer.StatusCode == HttpStatusCode.OK) answers.Add(Assert.Single(answer.Headers.GetValues("X-Model-Version")));
                else failures.Enqueue($"{answer.StatusCode}: {await answer.Content.ReadAsStringAsync()}");
            }
        }))];

        var memory = new List<double>();
        for (int swap = 1; swap <= 100; swap++)
        {
            using HttpResponseMessage done = await client.PromoteAsync(ids[swap % 2]);
            Assert.Equal(HttpStatusCode.OK, done.StatusCode);
            Assert.Equal(ids[swap % 2], service.Loaded.ChampionId);
            if (swap >= 20) memory.Add(ResidentBytes());
        }

        await enough.CancelAsync();
        await Task.WhenAll(load);
        Assert.Empty(failures);
        Assert.Equal(2, answers.Distinct().Count());
        Assert.True(answers.Count > 100, $"Only {answers.Count} answers.");

        // Only the champion is left, and nothing of those before it waits for a finalizer.
        Assert.Equal(ids[0], service.Loaded.ChampionId);
        Assert.False(service.Loaded.Has(ids[1]));
        GC.Collect();
        GC.WaitForPendingFinalizers();
        long before = TorchSharp.torch.Tensor.TotalCount;
        for (int swap = 1; swap <= 10; swap++) await client.PromoteAsync(ids[swap % 2]);
        long after = TorchSharp.torch.Tensor.TotalCount;
        // The library counts the tensor that a parameter was made of as live for ever; beyond those there is nothing.
        using (var network = new SmallViT(ModelFolder.SmallConfig)) Assert.Equal(10 * network.parameters().Count(), after - before);
        after = TorchSharp.torch.Tensor.TotalCount;
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.Equal(after, TorchSharp.torch.Tensor.TotalCount);
        double growth = memory[^20..].Min() - memory[..20].Min(); // the least of each, for garbage comes and goes
        Assert.True(growth < 32 << 20, $"Resident memory grew by {growth / (1 << 20):0.0} MiB over 60 swaps.");
    }

    [Fact]
    public async Task A_picture_under_way_ends_on_the_model_it_began_with_and_the_last_to_let_go_disposes_of_it()
    {
        using var elsewhere = new ModelFolder();
        await using var service = new Service(new() { ["Inference:MaxBatchPatches"] = "64" });
        HttpClient client = await service.ReadyAsync();
        string first = await client.AnswersAsync();
        await client.UploadAsync(elsewhere, "other");
        ServedModel old;
        using (ModelLease lease = service.Loaded.LeaseChampion()!) old = lease.Model;
        long tiles = service.Worker.Counters.Tiles;
        Task<HttpResponseMessage> large = client.PostAsync("/v1/denoise", Support.Pictures.Raw(Support.Pictures.Encode(900, 900)));
        await Service.UntilAsync(() => service.Worker.Counters.Tiles > tiles + 3, "under way");
        Assert.Equal(HttpStatusCode.OK, (await client.PromoteAsync("other")).StatusCode);
        Assert.False(large.IsCompleted); // 1,444 tiles, one a batch
        Assert.StartsWith("other@", await client.AnswersAsync(), StringComparison.Ordinal);
        Assert.True(old.Holders > 0);
        HttpResponseMessage answer = await large;
        Assert.Equal((HttpStatusCode.OK, first), (answer.StatusCode, Assert.Single(answer.Headers.GetValues("X-Model-Version"))));
        await Service.UntilAsync(() => old.Holders == 0, "nobody holds it");
    }

    [Theory, OnPostgreSql]
    public async Task Two_instances_on_one_database_follow_a_promotion_and_a_rollback_within_the_documented_seconds(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        using var models = new ModelFolder();
        using var elsewhere = new ModelFolder();
        await using var one = new Service(database.Settings, models);
        await using var other = new Service(database.Settings, models);
        HttpClient here = await one.ReadyAsync(), there = await other.ReadyAsync();
        JsonElement model = await here.UploadAsync(elsewhere, "mine");
        foreach ((Func<Task<HttpResponseMessage>> change, string name) in (List<(Func<Task<HttpResponseMessage>>, string)>)[(() => here.PromoteAsync(model.Id()), "mine"), (() => there.PostAsync("/v1/models/rollback", null), "small")])
        {
            Assert.Equal(HttpStatusCode.OK, (await change()).StatusCode);
            long started = Stopwatch.GetTimestamp();
            foreach (HttpClient client in (HttpClient[])[here, there]) await Service.UntilAsync(() => client.AnswersAsync().Result.StartsWith(name + "@", StringComparison.Ordinal), name);
            Assert.InRange(Stopwatch.GetElapsedTime(started).TotalSeconds, 0, 2 + 3); // Models:PollSeconds and the time to load
        }
    }

    private static double ResidentBytes()
    {
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }
}
