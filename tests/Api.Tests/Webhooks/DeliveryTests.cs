using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using DenoiseService.Api.Storage;
using DenoiseService.Api.Tests.Storage;
using DenoiseService.Api.Tests.Support;
using DenoiseService.Api.Webhooks;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace DenoiseService.Api.Tests.Webhooks;

[Collection(Databases.Collection)]
public sealed class DeliveryTests(Databases databases)
{
    [Theory, OnSqlite, OnPostgreSql]
    public async Task A_message_is_signed_and_one_that_is_refused_comes_again_under_its_id_until_it_is_taken(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        await using Receiver receiver = await Receiver.StartAsync();
        receiver.Answer = (_, before) => Task.FromResult(before switch { 0 => 500, 1 => 404, _ => 204 });
        await using var service = new Service(database.Fast());
        HttpClient client = await service.ReadyAsync();
        (string hook, string secret) = await client.HookAsync(receiver.Url);
        string id = await client.PingAsync(hook);
        JsonElement delivery = await client.NewestAsync(hook, d => d.State() == "delivered");
        Assert.Equal((id, 3, 204, null), (delivery.GetProperty("id").GetString(), delivery.Attempts(), delivery.Status(), delivery.Error()));
        Assert.Equal((JsonValueKind.Null, JsonValueKind.String), (delivery.GetProperty("nextAttemptAt").ValueKind, delivery.GetProperty("finishedAt").ValueKind));
        Assert.Equal(3, receiver.All.Length);
        foreach (Received received in receiver.All)
        {
            received.Verify(secret);
            Assert.Equal((id, "ping", "application/json", "/hook"), (received.Id, received.Type, received.Headers["content-type"], received.Path));
            Assert.Equal(receiver.All[0].Body, received.Body);
            Assert.Equal(hook, received.Data.GetProperty("id").GetString());
            Assert.DoesNotContain("traceparent", received.Headers.Keys);
        }
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task What_was_not_delivered_is_kept_over_a_restart(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        int port = Receiver.FreePort();
        string hook, id;
        await using (var first = new Service(database.Fast()))
        {
            HttpClient client = await first.ReadyAsync();
            (hook, _) = await client.HookAsync($"http://127.0.0.1:{port}/hook", "job.*"); // the next start has a model of its own to tell
            id = await client.PingAsync(hook);
            Assert.Equal("not-connected", (await client.NewestAsync(hook, d => d.Attempts() > 0)).Error());
        }

        await using Receiver receiver = await Receiver.StartAsync(port);
        await using var second = new Service(database.Fast());
        HttpClient back = await second.ReadyAsync();
        Assert.Equal(id, Assert.Single(await receiver.UntilAsync(1)).Id);
        await back.NewestAsync(hook, d => d.State() == "delivered");
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task After_the_last_attempt_a_message_has_failed(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        await using Receiver receiver = await Receiver.StartAsync();
        receiver.Answer = (_, _) => Task.FromResult(503);
        await using var service = new Service(database.Fast(("Webhooks:MaxAttempts", "3"), ("Webhooks:FirstDelaySeconds", "0.01")));
        HttpClient client = await service.ReadyAsync();
        (string hook, _) = await client.HookAsync(receiver.Url);
        await client.PingAsync(hook);
        JsonElement delivery = await client.NewestAsync(hook, d => d.State() == "failed");
        Assert.Equal((3, 503, JsonValueKind.Null), (delivery.Attempts(), delivery.Status(), delivery.GetProperty("nextAttemptAt").ValueKind));
        await Task.Delay(300);
        Assert.Equal(3, receiver.All.Length);
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task A_receiver_that_is_gone_for_good_disables_the_webhook(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        await using Receiver receiver = await Receiver.StartAsync();
        receiver.Answer = (_, before) => Task.FromResult(before == 0 ? 500 : 410);
        await using var service = new Service(database.Fast(("Webhooks:FirstDelaySeconds", "3600")));
        HttpClient client = await service.ReadyAsync();
        (string hook, _) = await client.HookAsync(receiver.Url);
        string waiting = await client.PingAsync(hook);
        await client.NewestAsync(hook, d => d.Attempts() == 1);
        await client.PingAsync(hook);
        JsonElement delivery = await client.NewestAsync(hook, d => d.State() == "failed");
        Assert.Equal((1, 410), (delivery.Attempts(), delivery.Status()));
        Assert.Equal(JsonValueKind.String, (await (await client.GetAsync($"/v1/webhooks/{hook}")).JsonAsync()).GetProperty("disabledAt").ValueKind);
        await (await client.PostAsync($"/v1/webhooks/{hook}/test", null)).ProblemAsync(HttpStatusCode.Conflict, "webhook-disabled");
        await using (Store store = service.Services.GetRequiredService<IDbContextFactory<Store>>().CreateDbContext()) await store.WebhookDeliveries.Where(d => d.Id == waiting).ExecuteUpdateAsync(set => set.SetProperty(d => d.NextAttemptAt, (DateTimeOffset?)Records.Noon)); // due
        JsonElement[] all = [];
        await Service.UntilAsync(() => (all = client.DeliveriesAsync(hook).GetAwaiter().GetResult())[^1].State() == "failed", "what waited has failed too");
        Assert.Equal((waiting, 1, "webhook-disabled"), (all[^1].GetProperty("id").GetString(), all[^1].Attempts(), all[^1].Error()));
        Assert.Equal(2, receiver.All.Length);
    }

    [Fact]
    public async Task Redirects_are_not_followed_and_count_as_refusals()
    {
        await using TestDatabase database = await databases.CreateAsync(Provider.Sqlite);
        await using Receiver receiver = await Receiver.StartAsync();
        receiver.Answer = (_, before) => Task.FromResult(before % 2 == 0 ? 302 : 307);
        await using var service = new Service(database.Fast(("Webhooks:MaxAttempts", "2")));
        HttpClient client = await service.ReadyAsync();
        (string hook, _) = await client.HookAsync(receiver.Url);
        await client.PingAsync(hook);
        Assert.Equal(307, (await client.NewestAsync(hook, d => d.State() == "failed")).Status());
        Assert.Equal(["/hook", "/hook"], receiver.All.Select(r => r.Path));
    }

    [Theory]
    [InlineData("https://localhost:{0}/", "address-refused")]
    [InlineData("https://127.0.0.1:{0}/", "address-refused")]
    [InlineData("https://[::1]:{0}/", "address-refused")]
    [InlineData("http://localhost:{0}/", "http-refused")]
    public async Task By_default_nothing_is_sent_to_this_machine_whatever_name_it_has(string url, string error)
    {
        await using TestDatabase database = await databases.CreateAsync(Provider.Sqlite);
        using var listener = new TcpListener(IPAddress.IPv6Any, 0) { Server = { DualMode = true } };
        listener.Start();
        url = string.Format(System.Globalization.CultureInfo.InvariantCulture, url, ((IPEndPoint)listener.LocalEndpoint).Port);
        await using var service = new Service(database.Fast(("Webhooks:AllowPrivateAddresses", "false")));
        HttpClient client = await service.ReadyAsync();
        // As if it had been made while the setting was on.
        await using (Store store = service.Services.GetRequiredService<IDbContextFactory<Store>>().CreateDbContext())
        {
            store.Add(new Webhook { Id = "hook", Url = url, Events = "job.*", Secret = new byte[24], CreatedAt = Records.Noon });
            await store.SaveChangesAsync();
        }

        await client.PingAsync("hook");
        JsonElement delivery = await client.NewestAsync("hook", d => d.Attempts() > 0);
        Assert.Equal((error, null, "pending"), (delivery.Error(), delivery.Status(), delivery.State()));
        Assert.False(listener.Pending());
    }

    [Theory]
    [InlineData("timeout", "0.5")]
    [InlineData("tls-failed", "60")]
    [InlineData("name-not-resolved", "60")]
    public async Task What_kept_an_attempt_from_a_status_is_told(string error, string attemptSeconds)
    {
        await using TestDatabase database = await databases.CreateAsync(Provider.Sqlite);
        await using Receiver receiver = await Receiver.StartAsync();
        var never = new TaskCompletionSource<int>();
        receiver.Answer = (_, _) => never.Task;
        await using var service = new Service(database.Fast(("Webhooks:AttemptSeconds", attemptSeconds)));
        HttpClient client = await service.ReadyAsync();
        (string hook, _) = await client.HookAsync(error switch { "timeout" => receiver.Url, "tls-failed" => receiver.Url.Replace("http:", "https:", StringComparison.Ordinal), _ => "http://nobody.invalid/" });
        await client.PingAsync(hook);
        Assert.Equal(error, (await client.NewestAsync(hook, d => d.Attempts() > 0)).Error());
        never.SetResult(200);
    }

    [Fact]
    public async Task A_slow_receiver_keeps_back_only_itself_and_gets_no_more_at_once_than_the_settings_say()
    {
        await using TestDatabase database = await databases.CreateAsync(Provider.Sqlite);
        await using Receiver slow = await Receiver.StartAsync(), fast = await Receiver.StartAsync();
        var gate = new TaskCompletionSource<int>();
        slow.Answer = (_, _) => gate.Task;
        await using var service = new Service(database.Fast(("Webhooks:Parallel", "2")));
        HttpClient client = await service.ReadyAsync();
        (string held, _) = await client.HookAsync(slow.Url);
        for (int i = 0; i < 6; i++) await client.PingAsync(held);
        await slow.UntilAsync(2);
        (string hook, _) = await client.HookAsync(fast.Url);
        for (int i = 0; i < 3; i++) await client.PingAsync(hook);
        await fast.UntilAsync(3);
        Assert.Equal(2, slow.All.Length);
        gate.SetResult(200);
        await slow.UntilAsync(6);
        Assert.Equal(6, slow.All.Select(r => r.Id).Distinct().Count());
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task Two_processes_on_one_database_send_every_message_once(string provider)
    {
        const int Count = 20;
        await using TestDatabase database = await databases.CreateAsync(provider);
        await using Receiver receiver = await Receiver.StartAsync();
        receiver.Answer = async (_, _) =>
        {
            await Task.Delay(30);
            return 200;
        };
        await using Service one = new(database.Fast()), other = new(database.Fast());
        HttpClient client = await one.ReadyAsync();
        await other.ReadyAsync();
        (string hook, _) = await client.HookAsync(receiver.Url);
        string[] ids = await Task.WhenAll(Enumerable.Range(0, Count).Select(_ => client.PingAsync(hook)));
        await receiver.UntilAsync(Count);
        await Service.UntilAsync(() => client.DeliveriesAsync(hook).GetAwaiter().GetResult().All(d => d.State() == "delivered"), "all delivered");
        Assert.Equal(ids.Order(), receiver.All.Select(r => r.Id).Order());
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task Of_many_that_claim_a_message_one_gets_it_and_when_it_dies_another_after_the_claim_has_ended(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        IDbContextFactory<Store> stores = await database.StoresAsync();
        var clock = new Clock();
        var queue = new DeliveryQueue(stores, Microsoft.Extensions.Options.Options.Create(new WebhooksOptions()), clock);
        await using (Store store = stores.CreateDbContext())
        {
            store.AddRange(Records.Webhook(), Records.Delivery());
            await store.SaveChangesAsync();
        }

        ClaimedDelivery?[] claims = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Task.Run(() => queue.ClaimAsync("hook", CancellationToken.None))));
        ClaimedDelivery dead = Assert.Single(claims.OfType<ClaimedDelivery>());
        Assert.Empty(await queue.DueAsync(CancellationToken.None));
        clock.At(Records.Noon + TimeSpan.FromSeconds(40));
        Assert.Equal(1, Assert.Single(await queue.DueAsync(CancellationToken.None)).Value);
        ClaimedDelivery? next = await queue.ClaimAsync("hook", CancellationToken.None);
        Assert.Equal(dead.Delivery.Id, next!.Delivery.Id);
        Assert.False(await queue.RecordAsync(dead, new DeliveryOutcome(500, null))); // it was only slow: what it brings counts no more
        Assert.True(await queue.RecordAsync(next, new DeliveryOutcome(200, null)));
        await using Store after = stores.CreateDbContext();
        WebhookDelivery stored = await after.WebhookDeliveries.SingleAsync();
        Assert.Equal((DeliveryState.Delivered, 1, 200, null), (stored.State, stored.Attempts, stored.LastStatus, stored.ClaimedUntil));
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task What_is_left_of_a_deleted_webhook_is_deleted_when_it_falls_due(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        await using var service = new Service(database.Fast());
        await service.ReadyAsync();
        await using Store store = service.Services.GetRequiredService<IDbContextFactory<Store>>().CreateDbContext();
        store.Add(Records.Delivery("left", "nobody"));
        await store.SaveChangesAsync();
        await Service.UntilAsync(() => !store.WebhookDeliveries.Any(), "deleted");
    }

    [Theory]
    [InlineData("30", "delivered", 1)]
    [InlineData("0.5", "pending", 0)]
    public async Task At_the_stop_what_is_being_sent_ends_if_there_is_time_and_the_rest_stays_pending_for_anybody(string finishSeconds, string state, int attempts)
    {
        await using TestDatabase database = await databases.CreateAsync(Provider.Sqlite);
        await using Receiver receiver = await Receiver.StartAsync();
        var gate = new TaskCompletionSource<int>();
        receiver.Answer = (_, _) => gate.Task;
        var service = new Service(database.Fast(("Webhooks:Parallel", "1"), ("Inference:FinishSeconds", finishSeconds), ("Roles:Worker", "false")));
        HttpClient client = await service.ReadyAsync();
        (string hook, _) = await client.HookAsync(receiver.Url);
        string first = await client.PingAsync(hook);
        await receiver.UntilAsync(1);
        string second = await client.PingAsync(hook);
        WebhookDispatcher dispatcher = service.Services.GetServices<IHostedService>().OfType<WebhookDispatcher>().Single();
        Task stopped = service.DisposeAsync().AsTask();
        await Service.UntilAsync(() => dispatcher.ExecuteTask!.IsCompleted, "nothing new is taken");
        if (attempts == 0) await stopped;
        gate.SetResult(200);
        await stopped;
        Assert.Single(receiver.All);
        await using Store store = (await database.StoresAsync()).CreateDbContext();
        WebhookDelivery[] left = await store.WebhookDeliveries.OrderBy(d => d.Id).ToArrayAsync();
        Assert.Equal([first, second], left.Select(d => d.Id));
        Assert.Equal((Enum.Parse<DeliveryState>(state, ignoreCase: true), attempts), (left[0].State, left[0].Attempts));
        Assert.Equal((DeliveryState.Pending, 0), (left[1].State, left[1].Attempts));
        Assert.All(left, d => Assert.Null(d.ClaimedUntil));
    }
}
