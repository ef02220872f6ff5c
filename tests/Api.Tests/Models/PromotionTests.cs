using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using DenoiseService.Api.Models;
using DenoiseService.Api.Storage;
using DenoiseService.Api.Tests.Access;
using DenoiseService.Api.Tests.Storage;
using DenoiseService.Api.Tests.Support;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace DenoiseService.Api.Tests.Models;

[Collection(Databases.Collection)]
public sealed class PromotionTests(Databases databases)
{
    [Theory, OnSqlite, OnPostgreSql]
    public async Task A_promotion_swaps_at_once_sets_previous_and_one_call_rolls_it_back(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        using var elsewhere = new ModelFolder();
        await using var service = new Service(database.Settings);
        HttpClient client = await service.ReadyAsync();
        await (await client.PostAsJsonAsync("/v1/models/rollback", new { })).ProblemAsync(HttpStatusCode.Conflict, "no-previous-model");
        string first = (await client.AliasesAsync())["champion"], second = (await client.UploadAsync(elsewhere, "second")).Id();

        JsonElement done = await (await client.PromoteAsync("candidate", new { reason = "better", by = "ada" })).JsonAsync();
        Assert.Equal((second, first, true, true), (done.GetProperty("versionId").GetString(), done.GetProperty("fromVersionId").GetString(), done.GetProperty("changed").GetBoolean(), done.GetProperty("servedHere").GetBoolean()));
        Assert.Equal(done.GetProperty("version").GetString(), await client.AnswersAsync());
        Assert.Equal(new Dictionary<string, string> { ["champion"] = second, ["previous"] = first }, await client.AliasesAsync());
        Assert.False((await (await client.PromoteAsync("second")).JsonAsync()).GetProperty("changed").GetBoolean());
        Assert.Equal(first, (await client.AliasesAsync())["previous"]);

        HttpResponseMessage back = await client.PostAsync("/v1/models/rollback", null);
        Assert.Equal(HttpStatusCode.OK, back.StatusCode);
        Assert.StartsWith("small@", await client.AnswersAsync(), StringComparison.Ordinal);
        Assert.Equal(new Dictionary<string, string> { ["champion"] = first, ["previous"] = second }, await client.AliasesAsync());

        JsonElement[] log = [.. (await (await client.GetAsync("/v1/models/promotions")).JsonAsync()).GetProperty("promotions").EnumerateArray().Where(l => l.GetProperty("alias").GetString() == "champion")];
        Assert.Equal([first, second, first], log.Select(l => l.GetProperty("toVersionId").GetString()));
        Assert.Equal(["anonymous", "ada", "first start"], log.Select(l => l.GetProperty("by").GetString()));
        Assert.Equal("better", log[1].GetProperty("reason").GetString());
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task Promotions_at_the_same_time_leave_one_champion_and_its_true_predecessor(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        using var elsewhere = new ModelFolder();
        await using var service = new Service(database.Settings);
        HttpClient client = await service.ReadyAsync();
        var ids = new List<string> { (await client.AliasesAsync())["champion"] };
        for (int i = 0; i < 4; i++) ids.Add((await client.UploadAsync(elsewhere, $"m{i}")).Id());
        HttpResponseMessage[] answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(i => client.PromoteAsync(ids[i % ids.Count])));
        Assert.All(answers, a => Assert.Equal(HttpStatusCode.OK, a.StatusCode));
        await using Store store = service.Store();
        List<Promotion> log = await store.Promotions.Where(p => p.Alias == "champion").ToListAsync();
        Dictionary<string, string> aliases = await client.AliasesAsync();
        // Every line but one was followed by another from where it led to: the log is one chain.
        Assert.Equal(log.Where(l => l.FromVersionId is not null).Select(l => l.FromVersionId).Append(aliases["champion"]).Order(), log.Select(l => l.ToVersionId).Order());
        Assert.Contains(log, l => l.ToVersionId == aliases["champion"] && l.FromVersionId == aliases["previous"]);
        await service.Services.GetRequiredService<ChampionFollower>().FollowAsync(CancellationToken.None);
        Assert.Equal(aliases["champion"], service.Loaded.ChampionId);
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task A_damaged_checkpoint_is_not_promoted_and_one_that_is_damaged_later_changes_nothing_until_it_is_mended(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        using var elsewhere = new ModelFolder();
        await using var service = new Service(new(database.Settings) { ["Models:PollSeconds"] = "0.05" });
        HttpClient client = await service.ReadyAsync();
        JsonElement model = await client.UploadAsync(elsewhere, "mine");
        Dictionary<string, string> before = await client.AliasesAsync();
        await service.DamageAsync(model.GetProperty("sha256").GetString()!);
        JsonElement problem = await (await client.PromoteAsync("candidate")).ProblemAsync(HttpStatusCode.UnprocessableEntity, "model-refused");
        Assert.Contains("damaged", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Equal(before, await client.AliasesAsync());
        Assert.StartsWith("small@", await client.AnswersAsync(), StringComparison.Ordinal);
        await (await client.PostAsync("/v1/denoise?model=mine", Support.Pictures.Raw(Support.Pictures.Encode(8, 8)))).ProblemAsync(HttpStatusCode.ServiceUnavailable, "not-ready");

        // As if another replica had promoted it before it was damaged.
        await using (Store store = service.Store()) await store.ModelAliases.Where(a => a.Name == "champion").ExecuteUpdateAsync(set => set.SetProperty(a => a.VersionId, model.Id()).SetProperty(a => a.Revision, a => a.Revision + 1));
        var status = service.Services.GetRequiredService<ModelStatus>();
        await Service.UntilAsync(() => status.Failure is { Attempts: >= 2 }, "tried again");
        HttpResponseMessage ready = await client.GetAsync("/health/ready");
        Assert.Equal(HttpStatusCode.OK, ready.StatusCode);
        Assert.Contains("mine", Assert.Single((await ready.JsonAsync()).GetProperty("details").EnumerateArray()).GetString(), StringComparison.Ordinal);
        Assert.StartsWith("small@", await client.AnswersAsync(), StringComparison.Ordinal);
        JsonElement shown = await (await client.GetAsync("/v1/models/champion")).JsonAsync();
        Assert.Equal(("mine", "failed"), (shown.GetProperty("name").GetString(), shown.GetProperty("state").GetString()));

        await service.DamageAsync(model.GetProperty("sha256").GetString()!); // mends it
        await Service.UntilAsync(() => service.Loaded.ChampionId == model.Id(), "followed");
        Assert.StartsWith("mine@", await client.AnswersAsync(), StringComparison.Ordinal);
        await Service.UntilAsync(() => status.Details.Count == 0, "nothing left to tell");
    }

    [Fact]
    public async Task Waits_after_failures_double_up_to_a_minute()
    {
        using var elsewhere = new ModelFolder();
        await using var service = new Service(new() { ["Models:PollSeconds"] = "3600" });
        HttpClient client = await service.ReadyAsync();
        JsonElement model = await client.UploadAsync(elsewhere, "mine");
        await service.DamageAsync(model.GetProperty("sha256").GetString()!);
        await using (Store store = service.Store()) await store.ModelAliases.Where(a => a.Name == "champion").ExecuteUpdateAsync(set => set.SetProperty(a => a.VersionId, model.Id()));
        var follower = service.Services.GetRequiredService<ChampionFollower>();
        await follower.FollowAsync(CancellationToken.None);
        await follower.FollowAsync(CancellationToken.None); // too early: not tried
        FollowFailure failure = service.Services.GetRequiredService<ModelStatus>().Failure!;
        Assert.Equal((1, TimeSpan.FromMinutes(1)), (failure.Attempts, failure.Wait));
    }

    [Fact]
    public async Task The_gate_refuses_what_is_below_its_least_value_or_too_far_below_the_champion_unless_forced_with_a_reason()
    {
        using var elsewhere = new ModelFolder();
        await using var service = new Service(new() { ["Models:GateMetric"] = "psnr", ["Models:GateLeast"] = "28", ["Models:GateMaxLoss"] = "0.5" });
        HttpClient client = await service.ReadyAsync(); // the champion has 30.5
        await client.UploadAsync(elsewhere, "worse", 29.75);
        JsonElement problem = await (await client.PromoteAsync("worse")).ProblemAsync(HttpStatusCode.UnprocessableEntity, "gate-refused");
        Assert.Equal(("psnr", 30.0, 29.75), (problem.GetProperty("parameter").GetString(), problem.GetProperty("limit").GetDouble(), problem.GetProperty("actual").GetDouble()));
        JsonElement unreasoned = await (await client.PromoteAsync("worse", new { force = true })).ProblemAsync(HttpStatusCode.BadRequest, "invalid-parameter");
        Assert.Equal("reason", unreasoned.GetProperty("parameter").GetString());
        Assert.StartsWith("small@", await client.AnswersAsync(), StringComparison.Ordinal);

        await client.UploadAsync(elsewhere, "near", 30.25);
        Assert.Equal(HttpStatusCode.OK, (await client.PromoteAsync("near")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await client.PromoteAsync("worse")).StatusCode); // 29.75 is the least after 30.25
        await client.UploadAsync(elsewhere, "bad", 27.5);
        Assert.Equal(29.25, (await (await client.PromoteAsync("bad")).ProblemAsync(HttpStatusCode.UnprocessableEntity, "gate-refused")).GetProperty("limit").GetDouble());
        Assert.Equal(HttpStatusCode.OK, (await client.PromoteAsync("bad", new { force = true, reason = "an experiment" })).StatusCode);
        await client.UploadAsync(elsewhere, "low", 27.75);
        Assert.Equal(28, (await (await client.PromoteAsync("low")).ProblemAsync(HttpStatusCode.UnprocessableEntity, "gate-refused")).GetProperty("limit").GetDouble());
        Assert.Equal(HttpStatusCode.OK, (await client.PromoteAsync("low", new { alias = "candidate" })).StatusCode); // only champions pass it
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync("/v1/models/rollback", null)).StatusCode);
        JsonElement log = (await (await client.GetAsync("/v1/models/promotions")).JsonAsync()).GetProperty("promotions");
        Assert.Contains(log.EnumerateArray(), l => l.GetProperty("reason").GetString() == "Forced: an experiment");
    }

    [Fact]
    public async Task With_keys_the_log_names_the_key_whoever_the_request_says_it_is()
    {
        using var elsewhere = new ModelFolder();
        await using var service = new Service(new() { ["Security:AdminKey"] = AccessTestSupport.AdminKey });
        await service.ReadyAsync();
        (string key, string id) = await service.With(AccessTestSupport.AdminKey).MakeKeyAsync("admin", "read");
        HttpClient client = service.With(key);
        string second = (await client.UploadAsync(elsewhere, "second")).Id();
        Assert.Equal(HttpStatusCode.OK, (await client.PromoteAsync(second, new { by = "somebody else" })).StatusCode);
        JsonElement[] log = [.. (await (await client.GetAsync("/v1/models/promotions")).JsonAsync()).GetProperty("promotions").EnumerateArray()];
        string[] by = [.. log.Where(l => l.GetProperty("toVersionId").GetString() == second).Select(l => l.GetProperty("by").GetString()!)];
        Assert.Equal([id, id], by); // the upload made it candidate, the promotion champion
    }

    [Fact]
    public async Task Requests_that_make_no_sense_are_refused()
    {
        await using var service = new Service();
        HttpClient client = await service.ReadyAsync();
        await (await client.PromoteAsync("none")).ProblemAsync(HttpStatusCode.NotFound, "unknown-model");
        foreach (object request in (object[])[new { alias = "previous" }, new { reason = new string('x', 501) }, new { reason = "a\0b" }, new { by = new string('x', 101) }])
        {
            await (await client.PromoteAsync("small", request)).ProblemAsync(HttpStatusCode.BadRequest, "invalid-parameter");
        }

        await (await client.PromoteAsync("small", new { aliass = "candidate" })).ProblemAsync(HttpStatusCode.BadRequest, "bad-request"); // not the champion by mistake
        await (await client.PostAsync("/v1/models/small/promote", Support.Pictures.Raw("{"u8.ToArray(), "application/json"))).ProblemAsync(HttpStatusCode.BadRequest, "bad-request");
    }
}
