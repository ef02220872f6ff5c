using System.Net;
using System.Text.Json;
using DenoiseService.Api.Models;
using DenoiseService.Api.Serving;
using DenoiseService.Api.Tests.Support;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace DenoiseService.Api.Tests.Health;

public sealed class HealthTests
{
    [Fact]
    public async Task Ready_comes_only_after_the_warm_up_and_live_comes_at_once()
    {
        var gate = new TaskCompletionSource();
        await using var service = new Service();
        // First among the services: what it sends to the worker comes before any model.
        await using WebApplicationFactory<Program> held = service.WithWebHostBuilder(b => b.ConfigureTestServices(s =>
            s.Insert(0, ServiceDescriptor.Singleton<IHostedService>(p => new Blocker(p.GetRequiredService<ModelWorker>(), gate.Task)))));
        HttpClient client = held.CreateClient();
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/health/live")).StatusCode);
        HttpResponseMessage notReady = await client.GetAsync("/health/ready");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, notReady.StatusCode);
        Assert.Contains("loading", (await notReady.JsonAsync()).GetProperty("reasons")[0].GetString(), StringComparison.Ordinal);
        await (await client.PostAsync("/v1/denoise", Support.Pictures.Raw(Support.Pictures.Encode(8, 8)))).ProblemAsync(HttpStatusCode.ServiceUnavailable, "not-ready");

        gate.SetResult();
        await Service.UntilAsync(() => client.GetAsync("/health/ready").Result.IsSuccessStatusCode, "ready");
        using ModelLease champion = held.Services.GetRequiredService<LoadedModels>().LeaseChampion()!;
        Assert.Equal(3, champion.Model.WarmUpBatches); // one tile, a full batch cold, a full batch warm
        Assert.True(held.Services.GetRequiredService<Throughput>().PatchesPerSecond > 0);
    }

    [Fact]
    public async Task Version_tells_service_libraries_and_runtime()
    {
        await using var service = new Service();
        JsonElement version = await (await service.CreateClient().GetAsync("/version")).JsonAsync();
        foreach (string name in (string[])["product", "torchSharp", "libtorch"]) Assert.Matches(@"^\d+\.\d+\.\d+$", version.GetProperty(name).GetString());
        Assert.StartsWith(".NET 10", version.GetProperty("runtime").GetString(), StringComparison.Ordinal);
    }

    private sealed class Blocker(ModelWorker worker, Task gate) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            _ = worker.InvokeAsync(() =>
            {
                gate.Wait(CancellationToken.None);
                return true;
            });
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
