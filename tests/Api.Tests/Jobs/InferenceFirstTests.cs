using System.Diagnostics;
using System.Net;
using DenoiseService.Api.Jobs;
using DenoiseService.Api.Jobs.Engine;
using DenoiseService.Api.Serving;
using DenoiseService.Api.Tests.Support;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Tests.Jobs;

public sealed class InferenceFirstTests
{
    [Fact]
    public void A_step_waits_while_pictures_are_pending_but_not_for_ever()
    {
        var admission = new Admission(Options.Create(new InferenceOptions()), new Throughput());
        var inference = new InferenceFirst(admission, Options.Create(new JobsOptions { MaxYieldSeconds = 0.3 }), TimeProvider.System);
        var watch = Stopwatch.StartNew();
        inference.Wait(CancellationToken.None);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(0.2));
        using Admission.Ticket ticket = admission.Admit(64);
        inference.Wait(CancellationToken.None);
        Assert.InRange(watch.Elapsed.TotalSeconds, 0.3, 5);
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        watch.Restart();
        inference.Wait(stop.Token);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(0.2));
    }

    [Fact]
    public async Task A_training_stands_still_while_a_picture_waits_and_goes_on_after_it()
    {
        await using var service = new Service(new() { ["Jobs:MaxYieldSeconds"] = "60" });
        HttpClient client = await service.ReadyAsync();
        string id = await client.SubmitAsync(JobClient.Training(steps: 100_000));
        await client.StepsAsync(id, 10);
        Task<HttpResponseMessage> picture;
        using (await service.HoldAsync())
        {
            picture = client.PostAsync("/v1/denoise", Support.Pictures.Raw(Support.Pictures.Encode(40, 40)));
            await Service.UntilAsync(() => service.Admission.PendingRequests == 1, "the picture waits");
            await Task.Delay(500);
            int before = (await client.EventsAsync(id)).Length;
            await Task.Delay(1500);
            Assert.Equal(before, (await client.EventsAsync(id)).Length);
        }

        Assert.Equal(HttpStatusCode.OK, (await picture).StatusCode);
        long step = (await client.JobAsync(id)).GetProperty("step").GetInt64();
        await client.StepsAsync(id, step + 10);
        await client.PostAsync($"/v1/jobs/{id}/cancel", null);
        await client.UntilAsync(id, "cancelled");
    }
}
