using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;
using DenoiseService.Api.Serving;
using DenoiseService.Api.Tests.Support;
using DenoiseService.Imaging;

namespace DenoiseService.Api.Tests.Serving;

public sealed class QueueTests
{
    [Fact]
    public async Task Full_queue_answers_429_at_once_and_says_when_to_come_back()
    {
        await using var service = new Service(new() { ["Inference:MaxQueuedRequests"] = "2" });
        HttpClient client = await service.ReadyAsync();
        byte[] picture = Support.Pictures.Encode(40, 40);
        Task<HttpResponseMessage>[] waiting;
        using (await service.HoldAsync())
        {
            waiting = [Post(client, picture), Post(client, picture)];
            await Service.UntilAsync(() => service.Admission.PendingRequests == 2, "two admitted");
            await (await Post(client, picture)).ProblemAsync(HttpStatusCode.TooManyRequests, "queue-full"); // the first refusal compiles the code

            long started = Stopwatch.GetTimestamp();
            HttpResponseMessage refused = await Post(client, picture);
            TimeSpan elapsed = Stopwatch.GetElapsedTime(started);
            JsonElement problem = await refused.ProblemAsync(HttpStatusCode.TooManyRequests, "queue-full");
            Assert.Equal(2, problem.GetProperty("limit").GetInt32());
            Assert.Equal(3, problem.GetProperty("actual").GetInt32());
            Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 60);
            Assert.True(elapsed < TimeSpan.FromMilliseconds(50), $"The refusal took {elapsed.TotalMilliseconds} ms.");
        }

        Assert.All(await Task.WhenAll(waiting), r => Assert.Equal(HttpStatusCode.OK, r.StatusCode));
        Assert.Equal((0, 0L), (service.Admission.PendingRequests, service.Admission.PendingPatches));
    }

    [Fact]
    public async Task Bodies_of_all_requests_together_are_bounded_before_they_are_read()
    {
        await using var service = new Service(new() { ["Inference:MaxQueuedBytes"] = "1024" });
        HttpClient client = await service.ReadyAsync();
        byte[] picture = Support.Pictures.Encode(40, 40); // above the bound: it may come alone
        Assert.InRange(picture.Length, 1025, 20_000);
        Task<HttpResponseMessage> first;
        using (await service.HoldAsync())
        {
            first = Post(client, picture);
            await Service.UntilAsync(() => service.Admission.PendingRequests == 1, "one admitted");
            JsonElement problem = await (await Post(client, picture)).ProblemAsync(HttpStatusCode.TooManyRequests, "queue-full");
            Assert.Equal(("bytes", 1024L, 2L * picture.Length), (problem.GetProperty("parameter").GetString(), problem.GetProperty("limit").GetInt64(), problem.GetProperty("actual").GetInt64()));
        }

        Assert.Equal(HttpStatusCode.OK, (await first).StatusCode);
        await Service.UntilAsync(() => service.Admission.OpenBytes == 0, "its answer was sent");
        Assert.Equal(HttpStatusCode.OK, (await Post(client, picture)).StatusCode);
    }

    [Fact]
    public async Task Queue_is_bounded_by_cost_but_a_picture_above_the_bound_may_come_alone()
    {
        await using var service = new Service(new() { ["Inference:MaxQueuedPatches"] = "100" });
        HttpClient client = await service.ReadyAsync();
        Task<HttpResponseMessage> alone;
        using (await service.HoldAsync())
        {
            alone = Post(client, Support.Pictures.Encode(100, 100)); // 16 tiles of 64 patches
            await Service.UntilAsync(() => service.Admission.PendingRequests == 1, "one admitted");
            Assert.Equal(16 * 64, service.Admission.PendingPatches);
            JsonElement problem = await (await Post(client, Support.Pictures.Encode(8, 8))).ProblemAsync(HttpStatusCode.TooManyRequests, "queue-full");
            Assert.Equal("patches", problem.GetProperty("parameter").GetString());
            Assert.Equal(100, problem.GetProperty("limit").GetInt64());
            Assert.Equal(17 * 64, problem.GetProperty("actual").GetInt64());
        }

        Assert.Equal(HttpStatusCode.OK, (await alone).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await Post(client, Support.Pictures.Encode(8, 8))).StatusCode);
    }

    [Fact]
    public async Task Waiting_requests_share_one_batch_and_get_what_each_would_get_alone()
    {
        await using var service = new Service();
        HttpClient client = await service.ReadyAsync();
        byte[][] pictures = [.. Enumerable.Range(0, 6).Select(i => Support.Pictures.Encode(20 + 9 * i, 50 - 5 * i, bitDepth: 16, seed: i))];
        var alone = new List<Picture>();
        foreach (byte[] picture in pictures) alone.Add(await Clean(await Post(client, picture)));

        WorkerCounters counters = service.Worker.Counters;
        long batches = counters.Batches, shared = counters.SharedBatches, handedOver = counters.HandedOver;
        Task<HttpResponseMessage>[] together;
        using (await service.HoldAsync())
        {
            together = [.. pictures.Select(p => Post(client, p))];
            await Service.UntilAsync(() => counters.HandedOver == handedOver + pictures.Length, "all handed over");
        }

        for (int i = 0; i < pictures.Length; i++)
        {
            Picture one = await Clean(await together[i]);
            Assert.Equal(alone[i].Samples.Length, one.Samples.Length);
            // 1e-5, and one step of 16 bits where that crosses a rounding border.
            Assert.True(alone[i].Samples.Zip(one.Samples).Max(p => Math.Abs(p.First - p.Second)) <= 1e-5f + 1 / 65535f);
        }

        Assert.Equal(batches + 1, counters.Batches);
        Assert.Equal(shared + 1, counters.SharedBatches);
    }

    [Fact]
    public async Task A_picture_above_the_batch_budget_runs_over_several_batches_and_starves_nobody()
    {
        await using var service = new Service(new() { ["Inference:MaxBatchPatches"] = "256" }); // 4 tiles
        HttpClient client = await service.ReadyAsync();
        WorkerCounters counters = service.Worker.Counters;
        long batches = counters.Batches, handedOver = counters.HandedOver;
        Task<HttpResponseMessage> large;
        Task<HttpResponseMessage>[] small;
        using (await service.HoldAsync())
        {
            large = Post(client, Support.Pictures.Encode(224, 224)); // 81 tiles
            await Service.UntilAsync(() => counters.HandedOver == handedOver + 1, "the large one first");
            small = [.. Enumerable.Range(0, 3).Select(i => Post(client, Support.Pictures.Encode(30, 30, seed: i)))];
            await Service.UntilAsync(() => counters.HandedOver == handedOver + 4, "then the small ones");
        }

        double largeTime = DeviceTime(await large);
        Assert.InRange(counters.Batches - batches, 21, 30);
        foreach (HttpResponseMessage response in await Task.WhenAll(small))
        {
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.True(DeviceTime(response) < largeTime / 2, "A small picture ended long before the large one.");
        }
    }

    [Fact]
    public async Task A_failed_batch_fails_only_its_own_requests()
    {
        using var models = new ModelFolder();
        models.Add("broken", ModelFolder.SmallConfig);
        await using var service = new Service([], models);
        HttpClient client = await service.ReadyAsync();
        byte[] picture = Support.Pictures.Encode(16, 16);
        await Service.UntilAsync(() => client.GetAsync("/v1/models/broken").Result.IsSuccessStatusCode, "both models registered");
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync("/v1/denoise?model=broken", Support.Pictures.Raw(picture))).StatusCode); // loads it
        string? id = (await (await client.GetAsync("/v1/models/broken")).JsonAsync()).GetProperty("id").GetString();
        using (ModelLease broken = service.Loaded.Find(id!)!)
        {
            broken.Model.Denoiser.Dispose(); // every forward pass fails from now on
        }

        Task<HttpResponseMessage> good, bad;
        long handedOver = service.Worker.Counters.HandedOver;
        using (await service.HoldAsync())
        {
            (good, bad) = (Post(client, picture), client.PostAsync("/v1/denoise?model=broken", Support.Pictures.Raw(picture)));
            await Service.UntilAsync(() => service.Worker.Counters.HandedOver == handedOver + 2, "both handed over");
        }

        Assert.Equal(HttpStatusCode.OK, (await good).StatusCode);
        await (await bad).ProblemAsync(HttpStatusCode.InternalServerError, "inference-failed");
        Assert.Equal(1, service.Worker.Counters.Failed);
        Assert.Equal(0, service.Admission.PendingRequests);

        await client.PostAsync("/v1/denoise?model=broken", Support.Pictures.Raw(picture));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await client.GetAsync("/health/ready")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await Post(client, picture)).StatusCode); // the thread lives
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/health/ready")).StatusCode);
    }

    [Fact]
    public async Task A_busy_service_stays_ready()
    {
        await using var service = new Service();
        HttpClient client = await service.ReadyAsync();
        using IDisposable held = await service.HoldAsync();
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/health/ready")).StatusCode);
    }

    private static Task<HttpResponseMessage> Post(HttpClient client, byte[] picture) => client.PostAsync("/v1/denoise", Support.Pictures.Raw(picture));

    private static async Task<Picture> Clean(HttpResponseMessage response)
    {
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return Support.Pictures.Decode(await response.Content.ReadAsByteArrayAsync());
    }

    private static double DeviceTime(HttpResponseMessage response)
    {
        string step = Assert.Single(response.Headers.GetValues("Server-Timing")).Split(", ").Single(s => s.StartsWith("device;dur=", StringComparison.Ordinal));
        return double.Parse(step["device;dur=".Length..], CultureInfo.InvariantCulture);
    }
}
