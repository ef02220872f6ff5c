using System.Net;
using DenoiseService.Api.Serving;
using DenoiseService.Api.Tests.Support;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;

namespace DenoiseService.Api.Tests.Serving;

public sealed class CancellationTests
{
    [Fact]
    public async Task A_thousand_aborted_calls_leave_nothing_pending_and_never_reach_the_device()
    {
        await using var service = new Service(new() { ["Inference:MaxQueuedRequests"] = "2000", ["Urls"] = "http://127.0.0.1:0" });
        service.UseKestrel(0); // a real connection that really closes
        HttpClient client = await service.ReadyAsync();
        byte[] picture = Support.Pictures.Encode(8, 8);
        WorkerCounters counters = service.Worker.Counters;
        long tiles = counters.Tiles;
        using var gone = new CancellationTokenSource();
        using (await service.HoldAsync())
        {
            Task<HttpResponseMessage>[] calls = [.. Enumerable.Range(0, 1000).Select(_ => client.PostAsync("/v1/denoise", Support.Pictures.Raw(picture), gone.Token))];
            await Service.UntilAsync(() => counters.HandedOver == 1000, "all handed over");
            Assert.Equal(1000, service.Admission.PendingRequests);
            await gone.CancelAsync();
            foreach (Task<HttpResponseMessage> call in calls) await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
            await Task.Delay(200); // the server hears of closed connections a little later; what it misses it may compute
        }

        await Service.UntilAsync(() => service.Admission.PendingRequests == 0, "nothing pending");
        Assert.Equal(0, service.Admission.PendingPatches);
        Assert.True(counters.Tiles - tiles < 1000, $"{counters.Tiles - tiles} of 1,000 ran.");
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync("/v1/denoise", Support.Pictures.Raw(picture))).StatusCode);
    }

    [Fact]
    public async Task A_large_picture_is_dropped_between_two_batches()
    {
        await using var service = new Service(new() { ["Inference:MaxBatchPatches"] = "64" });
        HttpClient client = await service.ReadyAsync();
        WorkerCounters counters = service.Worker.Counters;
        long tiles = counters.Tiles;
        using var gone = new CancellationTokenSource();
        Task<HttpResponseMessage> call = client.PostAsync("/v1/denoise", Support.Pictures.Raw(Support.Pictures.Encode(800, 800)), gone.Token);
        await Service.UntilAsync(() => counters.Tiles > tiles, "the first tile ran");
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        await Service.UntilAsync(() => service.Admission.PendingRequests == 0, "nothing pending");
        Assert.Equal(1, counters.Dropped);
        Assert.True(counters.Tiles - tiles < 33 * 33, "It was not finished.");
    }

    [Fact]
    public async Task The_other_pass_of_a_comparison_that_failed_is_dropped()
    {
        using var models = new ModelFolder();
        models.Add("broken", ModelFolder.SmallConfig);
        await using var service = new Service(new() { ["Inference:MaxBatchPatches"] = "64" }, models);
        HttpClient client = await service.ReadyAsync();
        await Service.UntilAsync(() => client.GetAsync("/v1/models/broken").Result.IsSuccessStatusCode, "both models registered");
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync("/v1/denoise?model=broken", Support.Pictures.Raw(Support.Pictures.Encode(8, 8)))).StatusCode); // loads it
        string? id = (await (await client.GetAsync("/v1/models/broken")).JsonAsync()).GetProperty("id").GetString();
        using (ModelLease broken = service.Loaded.Find(id!)!)
        {
            broken.Model.Denoiser.Dispose(); // every forward pass fails from now on
        }

        WorkerCounters counters = service.Worker.Counters;
        long handedOver = counters.HandedOver;
        Task<HttpResponseMessage> call;
        using (await service.HoldAsync())
        {
            call = client.PostAsync("/v1/compare?first=broken&second=champion", Support.Pictures.Raw(Support.Pictures.Encode(800, 800)));
            await Service.UntilAsync(() => counters.HandedOver == handedOver + 2, "both passes handed over");
        }

        await (await call).ProblemAsync(HttpStatusCode.InternalServerError, "inference-failed");
        await Service.UntilAsync(() => service.Admission.PendingRequests == 0, "nothing pending");
        Assert.Equal((1, 1), (counters.Failed, counters.Dropped));
    }

    [Fact]
    public async Task A_passed_deadline_answers_504_and_never_reaches_the_device()
    {
        var time = new ManualTime();
        await using var service = new Service();
        await using WebApplicationFactory<Program> timed = service.WithWebHostBuilder(b => b.ConfigureTestServices(s => s.AddSingleton<TimeProvider>(time)));
        HttpClient client = timed.CreateClient();
        await Service.UntilAsync(() => client.GetAsync("/health/ready").Result.IsSuccessStatusCode, "ready");
        var worker = timed.Services.GetRequiredService<ModelWorker>();
        var admission = timed.Services.GetRequiredService<Admission>();
        long tiles = worker.Counters.Tiles;
        var gate = new TaskCompletionSource();
        Task<bool> held = worker.InvokeAsync(() =>
        {
            gate.Task.Wait();
            return true;
        });
        var request = new HttpRequestMessage(HttpMethod.Post, "/v1/denoise") { Content = Support.Pictures.Raw(Support.Pictures.Encode(8, 8)), Headers = { { "X-Request-Timeout-Ms", "1500" } } };
        Task<HttpResponseMessage> call = client.SendAsync(request);
        await Service.UntilAsync(() => worker.Counters.HandedOver == 1, "handed over");
        time.Advance(TimeSpan.FromMilliseconds(1499));
        Assert.False(call.IsCompleted);
        time.Advance(TimeSpan.FromMilliseconds(2));
        await (await call).ProblemAsync(HttpStatusCode.GatewayTimeout, "deadline-exceeded"); // while the device is still busy
        gate.SetResult();
        await held;
        await Service.UntilAsync(() => admission.PendingRequests == 0, "nothing pending");
        Assert.Equal(tiles, worker.Counters.Tiles);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-5")]
    [InlineData("soon")]
    public async Task A_time_limit_that_is_no_number_of_milliseconds_is_refused(string value)
    {
        await using var service = new Service();
        HttpClient client = await service.ReadyAsync();
        var request = new HttpRequestMessage(HttpMethod.Post, "/v1/denoise") { Content = Support.Pictures.Raw(Support.Pictures.Encode(8, 8)), Headers = { { "X-Request-Timeout-Ms", value } } };
        Assert.Equal("X-Request-Timeout-Ms", (await (await client.SendAsync(request)).ProblemAsync(HttpStatusCode.BadRequest, "invalid-parameter")).GetProperty("parameter").GetString());
    }
}
