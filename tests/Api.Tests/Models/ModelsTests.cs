using System.Net;
using System.Text.Json;
using DenoiseService.Api.Models;
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
        Assert.Equal("small", list.GetProperty("default").GetString());
        JsonElement model = await (await client.GetAsync("/v1/models/small")).JsonAsync();
        Assert.Equal(model.ToString(), Assert.Single(list.GetProperty("models").EnumerateArray()).ToString());
        Assert.Equal(("ready", true), (model.GetProperty("state").GetString(), model.GetProperty("isDefault").GetBoolean()));
        Assert.Matches("^[0-9a-f]{64}$", model.GetProperty("sha256").GetString());
        Assert.StartsWith("small@" + model.GetProperty("sha256").GetString()![..12], model.GetProperty("version").GetString(), StringComparison.Ordinal);
        Assert.Equal(16, model.GetProperty("config").GetProperty("width").GetInt32());
        Assert.True(model.GetProperty("parameters").GetInt64() > 1000);
        Assert.Equal(7, model.GetProperty("training").GetProperty("seed").GetInt32());
        Assert.Equal(30.5, model.GetProperty("metrics").GetProperty("psnr").GetDouble());
    }

    [Fact]
    public async Task An_unknown_model_answers_404()
    {
        await using var service = new Service();
        await (await (await service.ReadyAsync()).GetAsync("/v1/models/none")).ProblemAsync(HttpStatusCode.NotFound, "unknown-model");
    }

    [Fact]
    public async Task Damaged_files_are_refused_with_their_error_while_others_serve()
    {
        using var models = new ModelFolder();
        models.Add("half", ModelFolder.SmallConfig);
        byte[] bytes = await File.ReadAllBytesAsync(models.FileOf("half"));
        await File.WriteAllBytesAsync(models.FileOf("half"), bytes[..(bytes.Length / 2)]);
        models.Add("other-weights", ModelFolder.SmallConfig);
        File.Copy(models.FileOf("small"), models.FileOf("other-weights"), overwrite: true);
        await File.WriteAllTextAsync(models.FileOf("text"), "no weights at all");
        await using var service = new Service([], models);
        HttpClient client = await service.ReadyAsync();
        await Service.UntilAsync(() => service.Catalog.Entries.All(e => e.State != ModelState.Loading), "all decided");
        foreach (string id in (string[])["half", "other-weights", "text"])
        {
            JsonElement model = await (await client.GetAsync("/v1/models/" + id)).JsonAsync();
            Assert.Equal("failed", model.GetProperty("state").GetString());
            Assert.Contains(id, model.GetProperty("error").GetString(), StringComparison.Ordinal);
            Assert.DoesNotContain(models.Path, model.ToString(), StringComparison.Ordinal);
            await (await client.PostAsync("/v1/denoise?model=" + id, Support.Pictures.Raw(Support.Pictures.Encode(8, 8)))).ProblemAsync(HttpStatusCode.ServiceUnavailable, "not-ready");
        }

        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync("/v1/denoise", Support.Pictures.Raw(Support.Pictures.Encode(8, 8)))).StatusCode);
    }

    [Fact]
    public async Task A_damaged_default_model_leaves_the_service_live_but_not_ready_and_others_answer_by_name()
    {
        using var models = new ModelFolder();
        models.Add("other", ModelFolder.SmallConfig with { TileSide = 16 });
        await File.WriteAllTextAsync(models.FileOf("small"), "damaged");
        await using var service = new Service([], models);
        HttpClient client = service.CreateClient();
        await Service.UntilAsync(() => service.Catalog.Entries.All(e => e.State != ModelState.Loading), "all decided");
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/health/live")).StatusCode);
        HttpResponseMessage ready = await client.GetAsync("/health/ready");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        Assert.Contains("small", (await ready.JsonAsync()).GetProperty("reasons")[0].GetString(), StringComparison.Ordinal);
        await (await client.PostAsync("/v1/denoise", Support.Pictures.Raw(Support.Pictures.Encode(8, 8)))).ProblemAsync(HttpStatusCode.ServiceUnavailable, "not-ready");
        HttpResponseMessage byName = await client.PostAsync("/v1/denoise?model=other", Support.Pictures.Raw(Support.Pictures.Encode(40, 40)));
        Assert.StartsWith("other@", Assert.Single(byName.Headers.GetValues("X-Model-Version")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_network_whose_output_is_not_finite_is_refused_by_the_warm_up()
    {
        using var models = new ModelFolder();
        using (var network = new SmallViT(ModelFolder.SmallConfig))
        {
            // Finite weights, so that only running the network can show it: its sums overflow.
            using (TorchSharp.torch.no_grad()) network.get_parameter("blocks.0.norm1.weight")!.fill_(3e38f);
            Checkpoint.Save(models.FileOf("overflowing"), network);
        }

        await using var service = new Service([], models);
        HttpClient client = await service.ReadyAsync();
        await Service.UntilAsync(() => service.Catalog.Entries.All(e => e.State != ModelState.Loading), "all decided");
        JsonElement model = await (await client.GetAsync("/v1/models/overflowing")).JsonAsync();
        Assert.Equal(("failed", "The network's output is not finite."), (model.GetProperty("state").GetString(), model.GetProperty("error").GetString()));
    }
}
