using System.Net;
using System.Text.Json;
using DenoiseService.Api.Tests.Support;
using DenoiseService.Model;

namespace DenoiseService.Api.Tests.Models;

public sealed class ModelsTests
{
    [Fact]
    public async Task A_model_is_listed_with_its_card()
    {
        await using var service = new Service();
        HttpClient client = await service.ReadyAsync();
        JsonElement list = await (await client.GetAsync("/v1/models")).JsonAsync();
        JsonElement model = await (await client.GetAsync("/v1/models/small")).JsonAsync();
        Assert.Equal(model.GetProperty("id").GetString(), list.GetProperty("default").GetString());
        Assert.Equal(model.ToString(), Assert.Single(list.GetProperty("models").EnumerateArray()).ToString());
        Assert.Equal(("small", "ready", true), (model.GetProperty("name").GetString(), model.GetProperty("state").GetString(), model.GetProperty("isDefault").GetBoolean()));
        Assert.Equal(["champion"], model.GetProperty("aliases").EnumerateArray().Select(a => a.GetString()));
        Assert.Matches("^[0-9a-f]{64}$", model.GetProperty("sha256").GetString());
        Assert.Equal("small@" + model.GetProperty("sha256").GetString()![..12], model.GetProperty("version").GetString());
        Assert.Equal(16, model.GetProperty("config").GetProperty("width").GetInt32());
        Assert.Equal(ModelFolder.SmallConfig.Parameters, model.GetProperty("parameters").GetInt64());
        Assert.Equal(7, model.GetProperty("training").GetProperty("seed").GetInt32());
        Assert.Equal((7, "abc123", "0123abc"), (model.GetProperty("seed").GetInt32(), model.GetProperty("dataChecksum").GetString(), model.GetProperty("commit").GetString()));
        Assert.Equal(30.5, model.GetProperty("metrics").GetProperty("psnr").GetDouble());
    }

    [Theory]
    [InlineData("none")]
    [InlineData("small@000000000000")]
    [InlineData("a%00b")]
    [InlineData("..%2Fsecret")]
    public async Task An_unknown_model_answers_404_with_those_that_there_are(string reference)
    {
        await using var service = new Service();
        HttpClient client = await service.ReadyAsync();
        // The test's own client refuses a path with a null character.
        if (!reference.Contains("%00", StringComparison.Ordinal)) await (await client.GetAsync("/v1/models/" + reference)).ProblemAsync(HttpStatusCode.NotFound, "unknown-model");
        JsonElement problem = await (await client.PostAsync("/v1/denoise?model=" + reference, Support.Pictures.Raw(Support.Pictures.Encode(8, 8)))).ProblemAsync(HttpStatusCode.NotFound, "unknown-model");
        Assert.Equal(["champion", "small"], problem.GetProperty("accepted").EnumerateArray().Select(a => a.GetString()));
    }

    [Fact]
    public async Task A_version_answers_to_alias_id_label_and_name()
    {
        await using var service = new Service();
        HttpClient client = await service.ReadyAsync();
        JsonElement model = await (await client.GetAsync("/v1/models/champion")).JsonAsync();
        string label = model.GetProperty("version").GetString()!;
        foreach (string reference in (string[])["", "?model=champion", "?model=small", "?model=" + model.GetProperty("id").GetString(), "?model=" + label])
        {
            HttpResponseMessage answer = await client.PostAsync("/v1/denoise" + reference, Support.Pictures.Raw(Support.Pictures.Encode(8, 8)));
            Assert.Equal(label, Assert.Single(answer.Headers.GetValues("X-Model-Version")));
        }
    }

    [Fact]
    public async Task Damaged_files_are_refused_with_their_error_while_others_serve()
    {
        using var models = new ModelFolder();
        models.Add("half", ModelFolder.SmallConfig);
        byte[] bytes = await File.ReadAllBytesAsync(models.FileOf("half"));
        await File.WriteAllBytesAsync(models.FileOf("half"), bytes[..(bytes.Length / 2)]);
        models.Add("other-weights", ModelFolder.SmallConfig);
        File.Copy(models.FileOf("other-weights"), models.FileOf("card-of-another"));
        File.Copy(Checkpoint.CardPath(models.FileOf("small")), Checkpoint.CardPath(models.FileOf("card-of-another")));
        File.Delete(models.FileOf("other-weights"));
        await File.WriteAllTextAsync(models.FileOf("text"), "no weights at all");
        await File.WriteAllTextAsync(models.FileOf("candidate"), "an alias");
        await using var service = new Service([], models);
        HttpClient client = await service.ReadyAsync();
        string[] refused = ["candidate", "card-of-another", "half", "text"];
        await Service.UntilAsync(() => RefusedAsync().Result.Length == refused.Length, "all decided");
        JsonElement[] files = await RefusedAsync();
        Assert.Equal(refused, files.Select(f => f.GetProperty("name").GetString()));
        foreach (JsonElement file in files.Skip(1)) Assert.Contains(file.GetProperty("name").GetString()!, file.GetProperty("error").GetString(), StringComparison.Ordinal);
        HttpResponseMessage ready = await client.GetAsync("/health/ready");
        string details = (await ready.JsonAsync()).GetProperty("details").ToString();
        Assert.Equal(HttpStatusCode.OK, ready.StatusCode);
        Assert.All(refused, r => Assert.Contains(r, details, StringComparison.Ordinal));
        Assert.DoesNotContain(models.Path, details, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync("/v1/denoise", Support.Pictures.Raw(Support.Pictures.Encode(8, 8)))).StatusCode);

        async Task<JsonElement[]> RefusedAsync() => [.. (await (await client.GetAsync("/v1/models")).JsonAsync()).GetProperty("refused").EnumerateArray()];
    }

    [Fact]
    public async Task A_damaged_default_model_leaves_the_service_live_but_not_ready_and_others_answer_by_name()
    {
        using var models = new ModelFolder();
        models.Add("other", ModelFolder.SmallConfig with { TileSide = 16 });
        await File.WriteAllTextAsync(models.FileOf("small"), "damaged");
        await using var service = new Service([], models);
        HttpClient client = service.CreateClient();
        await Service.UntilAsync(() => client.GetAsync("/v1/models/other").Result.IsSuccessStatusCode, "the other is registered");
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/health/live")).StatusCode);
        HttpResponseMessage ready = await client.GetAsync("/health/ready");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        Assert.Contains("small", (await ready.JsonAsync()).GetProperty("reasons")[0].GetString(), StringComparison.Ordinal);
        await (await client.PostAsync("/v1/denoise", Support.Pictures.Raw(Support.Pictures.Encode(8, 8)))).ProblemAsync(HttpStatusCode.ServiceUnavailable, "not-ready");
        HttpResponseMessage byName = await client.PostAsync("/v1/denoise?model=other", Support.Pictures.Raw(Support.Pictures.Encode(40, 40)));
        Assert.StartsWith("other@", Assert.Single(byName.Headers.GetValues("X-Model-Version")), StringComparison.Ordinal);

        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync("/v1/models/other/promote", null)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/health/ready")).StatusCode);
    }

    [Fact]
    public async Task Versions_beside_the_champion_are_loaded_on_demand_and_only_so_many_stay()
    {
        using var models = new ModelFolder();
        foreach (string name in (string[])["a", "b", "c"]) models.Add(name, ModelFolder.SmallConfig);
        await using var service = new Service(new() { ["Models:MaxLoaded"] = "2" }, models);
        HttpClient client = await service.ReadyAsync();
        await Service.UntilAsync(() => client.GetAsync("/v1/models/c").Result.IsSuccessStatusCode, "all are registered");
        foreach (string name in (string[])["a", "b", "a", "c"])
        {
            HttpResponseMessage answer = await client.PostAsync("/v1/denoise?model=" + name, Support.Pictures.Raw(Support.Pictures.Encode(8, 8)));
            Assert.StartsWith(name + "@", Assert.Single(answer.Headers.GetValues("X-Model-Version")), StringComparison.Ordinal);
        }

        JsonElement list = await (await client.GetAsync("/v1/models")).JsonAsync();
        Assert.Equal(
            new Dictionary<string, string> { ["small"] = "ready", ["a"] = "ready", ["b"] = "stored", ["c"] = "ready" },
            list.GetProperty("models").EnumerateArray().ToDictionary(m => m.GetProperty("name").GetString()!, m => m.GetProperty("state").GetString()!));
    }
}
