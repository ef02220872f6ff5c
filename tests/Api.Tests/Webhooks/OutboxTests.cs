using System.Net;
using System.Text.Json;
using DenoiseService.Api.Jobs;
using DenoiseService.Api.Storage;
using DenoiseService.Api.Tests.Jobs;
using DenoiseService.Api.Tests.Models;
using DenoiseService.Api.Tests.Storage;
using DenoiseService.Api.Tests.Support;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace DenoiseService.Api.Tests.Webhooks;

[Collection(Databases.Collection)]
public sealed class OutboxTests(Databases databases)
{
    [Theory, OnSqlite, OnPostgreSql]
    public async Task A_training_and_its_promotion_are_told_with_what_the_routes_show(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        await using Receiver receiver = await Receiver.StartAsync();
        await using var service = new Service(database.Fast(("Webhooks:Parallel", "1")));
        HttpClient client = await service.ReadyAsync();
        (_, string secret) = await client.HookAsync(receiver.Url);
        string id = await client.SubmitAsync();
        JsonElement job = await client.UntilAsync(id, "succeeded");
        string version = job.GetProperty("resultVersionId").GetString()!;
        await receiver.UntilAsync(3);
        Assert.Equal(HttpStatusCode.OK, (await client.PromoteAsync(version, new { reason = "better", by = "ada" })).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync("/v1/models/rollback", null)).StatusCode);
        Received[] all = await receiver.UntilAsync(5);
        Assert.Equal(["job.running", "model.registered", "job.succeeded", "model.promoted", "model.promoted"], all.Select(r => r.Type));
        Assert.All(all, r => r.Verify(secret));

        Assert.Equal((id, "running"), (all[0].Data.GetProperty("id").GetString(), all[0].Data.State()));
        Assert.Equal(job.ToString(), all[2].Data.ToString());
        JsonElement model = await (await client.GetAsync($"/v1/models/{version}")).JsonAsync();
        Assert.Equal(model.EnumerateObject().Select(p => p.Name), all[1].Data.EnumerateObject().Select(p => p.Name));
        Assert.Equal((version, id, "stored"), (all[1].Data.Id(), all[1].Data.GetProperty("sourceJobId").GetString(), all[1].Data.State()));
        Assert.Equal(["candidate"], all[1].Data.GetProperty("aliases").EnumerateArray().Select(a => a.GetString()));
        JsonElement[] log = [.. (await (await client.GetAsync("/v1/models/promotions")).JsonAsync()).GetProperty("promotions").EnumerateArray().Where(l => l.GetProperty("alias").GetString() == "champion")];
        Assert.Equal([log[1].ToString(), log[0].ToString()], all[3..].Select(r => r.Data.ToString()));
        Assert.Equal([false, true], all[3..].Select(r => r.Data.GetProperty("isRollback").GetBoolean()));
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task Each_webhook_gets_what_its_filter_names_once_for_each_change_that_was_saved(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        await using var service = new Service(database.Fast(("Webhooks:PollSeconds", "60"), ("Roles:Worker", "false")));
        HttpClient client = await service.ReadyAsync();
        (string everything, _) = await client.HookAsync("https://example.org/a");
        (string ends, _) = await client.HookAsync("https://example.org/b", "job.failed", "job.cancelled", "job.failed");
        (string models, _) = await client.HookAsync("https://example.org/c", "model.*");
        var jobs = service.Services.GetRequiredService<JobStore>();
        string failing = await client.SubmitAsync(), cancelled = await client.SubmitAsync();
        await jobs.ChangeAsync(failing, c => c.Move(JobState.Running), CancellationToken.None);
        // A dead worker's job that is taken over goes through two states in one save.
        await jobs.ChangeAsync(failing, c =>
        {
            c.Move(JobState.Interrupted);
            c.Move(JobState.Running);
        }, CancellationToken.None);
        await jobs.ChangeAsync(failing, c => c.Job.Percent = 50, CancellationToken.None);
        await jobs.ChangeAsync(failing, c => c.Move(JobState.Failed), CancellationToken.None);
        // Of several at the same moment one saves, the others look again and find it done.
        await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => client.PostAsync($"/v1/jobs/{cancelled}/cancel", null)));

        string[] all = ["job.running", "job.interrupted", "job.running", "job.failed", "job.cancelled"];
        Assert.Equal(all, (await client.DeliveriesAsync(everything)).Reverse().Select(d => d.GetProperty("event").GetString()));
        Assert.Equal(["job.failed", "job.cancelled"], (await client.DeliveriesAsync(ends)).Reverse().Select(d => d.GetProperty("event").GetString()));
        Assert.Empty(await client.DeliveriesAsync(models));
        await using Store store = service.Services.GetRequiredService<IDbContextFactory<Store>>().CreateDbContext();
        List<string> bodies = await store.WebhookDeliveries.Where(d => d.WebhookId == everything).OrderBy(d => d.Id).Select(d => d.Body).ToListAsync();
        Assert.Equal(["running", "interrupted", "running", "failed", "cancelled"], bodies.Select(b => JsonDocument.Parse(b).RootElement.GetProperty("data").State()));
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task A_change_that_is_not_saved_is_not_told(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        await using var service = new Service(database.Fast(("Webhooks:PollSeconds", "60"), ("Roles:Worker", "false")));
        HttpClient client = await service.ReadyAsync();
        (string hook, _) = await client.HookAsync("https://example.org/a");
        string id = await client.SubmitAsync();
        await using Store first = service.Store(), late = service.Store();
        foreach (Store store in (Store[])[first, late]) new JobChange(store, await store.Jobs.SingleAsync(j => j.Id == id), TimeProvider.System.GetUtcNow()) { Last = 1 }.Move(JobState.Running);
        await first.SaveChangesAsync();
        await Assert.ThrowsAnyAsync<DbUpdateException>(() => late.SaveChangesAsync());
        Assert.Equal("job.running", Assert.Single(await client.DeliveriesAsync(hook)).GetProperty("event").GetString());
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task After_a_kill_every_change_of_a_job_still_arrives_and_no_secret_was_logged(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        using var models = new ModelFolder();
        int port = Receiver.FreePort();
        string[] arguments = [.. database.Fast(("Webhooks:FirstDelaySeconds", "0.2"), ("Jobs:LeaseSeconds", "2")).Select(s => $"--{s.Key}={s.Value}"), $"--Models:Folder={models.Path}", "--Models:Default=small"];
        string hook, secret, id;
        using (var process = new ServiceProcess(arguments))
        {
            using var client = new HttpClient { BaseAddress = await process.Address };
            (hook, secret) = await client.HookAsync($"http://127.0.0.1:{port}/hook?token=not-for-the-log", "job.*");
            id = await client.SubmitAsync();
            await client.UntilAsync(id, "succeeded");
            await client.NewestAsync(hook, d => d.Attempts() > 0);
            process.KillHard();
            Assert.Contains(hook, process.Output, StringComparison.Ordinal);
            foreach (string hidden in (string[])["not-for-the-log", secret["whsec_".Length..]]) Assert.DoesNotContain(hidden, process.Output, StringComparison.Ordinal);
        }

        // What it was sending when it was killed is another's after the claim, and the next attempt has its wait; here both are over.
        await using (Store store = (await database.StoresAsync()).CreateDbContext()) await store.WebhookDeliveries.ExecuteUpdateAsync(set => set.SetProperty(d => d.ClaimedUntil, (DateTimeOffset?)null).SetProperty(d => d.NextAttemptAt, (DateTimeOffset?)Records.Noon));
        await using Receiver receiver = await Receiver.StartAsync(port);
        using var next = new ServiceProcess(arguments);
        await next.Address;
        await Service.UntilAsync(() => receiver.All.Select(r => r.Type).Distinct().Count() == 2, "both messages");
        Assert.Equal(["job.running", "job.succeeded"], receiver.All.Select(r => r.Type).Distinct().Order());
        Assert.All(receiver.All, r => r.Verify(secret));
        Assert.All(receiver.All, r => Assert.Equal(id, r.Data.GetProperty("id").GetString()));
    }
}
