using System.Net;
using DenoiseService.Api.Access;
using DenoiseService.Api.Pictures;
using DenoiseService.Api.Serving;
using DenoiseService.Api.Storage;
using DenoiseService.Api.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace DenoiseService.Api.Tests.Pictures;

public sealed class CodecTests
{
    [Theory]
    [InlineData("/v1/routing-map", 1)]
    [InlineData("/v1/compare?second=champion", 2)]
    public async Task What_is_made_of_a_passed_picture_waits_for_its_turn_but_not_beyond_the_requests_time(string route, int passes)
    {
        await using var service = new Service(new() { ["Images:MaxConcurrentCodecs"] = "1" });
        HttpClient client = await service.ReadyAsync();
        byte[] picture = Support.Pictures.Encode(16, 16);
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync(route, Support.Pictures.Raw(picture))).StatusCode);
        var codec = service.Services.GetRequiredService<Codec>();
        using var clock = new RequestClock(TimeProvider.System, TimeSpan.FromMinutes(1), CancellationToken.None) { Caller = Caller.Anonymous(KeyScopes.None) };
        using var end = new ManualResetEventSlim();
        var taken = new TaskCompletionSource();
        WorkerCounters counters = service.Worker.Counters;
        long handedOver = counters.HandedOver;
        Task<HttpResponseMessage> call;
        Task<bool> turn;
        using (await service.HoldAsync())
        {
            call = client.SendAsync(new HttpRequestMessage(HttpMethod.Post, route) { Content = Support.Pictures.Raw(picture), Headers = { { "X-Request-Timeout-Ms", "2000" } } });
            await Service.UntilAsync(() => counters.HandedOver == handedOver + passes, "decoded and handed over");
            turn = Task.Run(() => codec.RunAsync("other", clock, () =>
            {
                taken.SetResult();
                return end.Wait(TimeSpan.FromSeconds(30));
            }));
            await taken.Task;
        }

        await (await call).ProblemAsync(HttpStatusCode.GatewayTimeout, "deadline-exceeded");
        end.Set();
        Assert.True(await turn);
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync(route, Support.Pictures.Raw(picture))).StatusCode);
    }
}
