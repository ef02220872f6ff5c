using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using DenoiseService.Api.Tests.Support;
using DenoiseService.Model;

namespace DenoiseService.Api.Tests.Models;

public sealed class UploadTests : IDisposable
{
    private readonly ModelFolder _folder = new();

    private byte[] Weights => File.ReadAllBytes(_folder.FileOf(ModelFolder.Small));

    private string Card => File.ReadAllText(Checkpoint.CardPath(_folder.FileOf(ModelFolder.Small)));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Checkpoints_that_cannot_be_used_are_refused_with_the_reason_and_leave_nothing()
    {
        await using var service = new Service();
        HttpClient client = await service.ReadyAsync();
        byte[] weights = Weights;
        byte[] flipped = [.. weights];
        flipped[^1] ^= 0xff;
        await RefusedAsync(Form(flipped, Card), "sha256");
        await RefusedAsync(Form(weights[..^100], Card), "truncated");
        await RefusedAsync(Form(weights, null), "belongs to a card");
        await RefusedAsync(Form(weights, "{}"), "lacks config");
        await RefusedAsync(Form(weights, "{ \"config\": {}, \"config\": {} }"), "not a readable card");
        await RefusedAsync(Form(weights, With(c => c["training"]!["commit"] = "COMMIT").Replace("COMMIT", @"\ud800", StringComparison.Ordinal)), "not a readable card"); // half of a pair
        await RefusedAsync(Form(weights, With(c => c["config"]!["width"] = 32)), "shape");
        await RefusedAsync(Form(weights, With(c => c["config"]!["blocks"] = 3)), "lacks tensor");
        await RefusedAsync(Form(weights, With(c => c["config"]!["blocks"] = 65)), "Blocks is 65");
        await RefusedAsync(Form(weights, With(c => c["config"]!["width"] = 4096)), "numbers");
        await RefusedAsync(Form(Encoding.ASCII.GetBytes("no weights at all"), Card), "safetensors");
        JsonElement list = await (await client.GetAsync("/v1/models")).JsonAsync();
        Assert.Equal("small", Assert.Single(list.GetProperty("models").EnumerateArray()).GetProperty("name").GetString());
        Assert.DoesNotContain(list.GetProperty("aliases").EnumerateArray(), a => a.GetProperty("name").GetString() == "candidate");

        async Task RefusedAsync(HttpContent form, string reason)
        {
            JsonElement problem = await (await client.PostAsync("/v1/models", form)).ProblemAsync(HttpStatusCode.UnprocessableEntity, "model-refused");
            Assert.Contains(reason, problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_network_whose_output_is_not_finite_is_refused_by_its_first_pass()
    {
        using (var network = new SmallViT(ModelFolder.SmallConfig))
        {
            // Finite weights, so that only running the network can show it: its sums overflow.
            using (TorchSharp.torch.no_grad()) network.get_parameter("blocks.0.norm1.weight")!.fill_(3e38f);
            Checkpoint.Save(_folder.FileOf("overflowing"), network);
        }

        await using var service = new Service();
        HttpClient client = await service.ReadyAsync();
        JsonElement problem = await (await client.PostAsync("/v1/models", _folder.FormOf("overflowing"))).ProblemAsync(HttpStatusCode.UnprocessableEntity, "model-refused");
        Assert.Equal("The network's output is not finite.", problem.GetProperty("detail").GetString());
    }

    [Fact]
    public async Task A_small_file_that_asks_for_gigabytes_is_refused_before_it_runs()
    {
        // 65,536 tokens that all see each other: 4 × 10⁹ scores a head, from a file of a megabyte.
        ModelConfig config = new() { Width = 4, Heads = 1, Blocks = 1, PatchSide = 1, TileSide = 256, FeedForwardWidth = 4, RouterWidth = 4, KeysKept = [4] };
        _folder.Add("greedy", config);
        await using var service = new Service();
        HttpClient client = await service.ReadyAsync();
        JsonElement problem = await (await client.PostAsync("/v1/models", _folder.FormOf("greedy"))).ProblemAsync(HttpStatusCode.UnprocessableEntity, "model-refused");
        Assert.Contains("bytes of memory", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_form_that_carries_no_checkpoint_is_refused()
    {
        await using var service = new Service();
        HttpClient client = await service.ReadyAsync();
        await (await client.PostAsync("/v1/models", Support.Pictures.Raw(Weights))).ProblemAsync(HttpStatusCode.BadRequest, "invalid-checkpoint-upload");
        await (await client.PostAsync("/v1/models", new MultipartFormDataContent { { new StringContent("small"), "name" } })).ProblemAsync(HttpStatusCode.BadRequest, "invalid-checkpoint-upload");
        MultipartFormDataContent twice = Form(Weights, Card);
        twice.Add(Support.Pictures.Raw(Weights), "weights", "again.safetensors");
        await (await client.PostAsync("/v1/models", twice)).ProblemAsync(HttpStatusCode.BadRequest, "invalid-checkpoint-upload");
        MultipartFormDataContent other = Form(Weights, Card);
        other.Add(Support.Pictures.Raw(Weights), "optimizer", "state.bin");
        await (await client.PostAsync("/v1/models", other)).ProblemAsync(HttpStatusCode.BadRequest, "invalid-checkpoint-upload");
        foreach (string name in (string[])["champion", "../../etc/passwd", "a b"])
        {
            JsonElement problem = await (await client.PostAsync("/v1/models", _folder.FormOf(ModelFolder.Small, name))).ProblemAsync(HttpStatusCode.BadRequest, "invalid-parameter");
            Assert.Equal("name", problem.GetProperty("parameter").GetString());
        }
    }

    [Fact]
    public async Task A_form_above_a_limit_of_the_reader_answers_413_and_names_it()
    {
        await using var service = new Service();
        HttpClient client = service.CreateClient();
        var fields = new StringContent("weights=" + new string('x', 70_000), Encoding.UTF8, "application/x-www-form-urlencoded");
        JsonElement problem = await (await client.PostAsync("/v1/models", fields)).ProblemAsync(HttpStatusCode.RequestEntityTooLarge, "checkpoint-too-large");
        Assert.Equal(("value length", 64 << 10), (problem.GetProperty("parameter").GetString(), problem.GetProperty("limit").GetInt32()));
    }

    [Fact]
    public async Task A_checkpoint_above_the_limit_answers_413()
    {
        await using var service = new Service(new() { ["Models:MaxUploadBytes"] = "20000" });
        HttpClient client = await service.ReadyAsync();
        JsonElement problem = await (await client.PostAsync("/v1/models", Form(new byte[20_001], Card))).ProblemAsync(HttpStatusCode.RequestEntityTooLarge, "checkpoint-too-large");
        Assert.Equal(20_000, problem.GetProperty("limit").GetInt32());
        await (await client.PostAsync("/v1/models", Form(new byte[200_000], Card))).ProblemAsync(HttpStatusCode.RequestEntityTooLarge, "checkpoint-too-large");
    }

    [Fact]
    public async Task A_card_above_its_limit_answers_413()
    {
        await using var service = new Service();
        HttpClient client = await service.ReadyAsync();
        string card = With(c => c["training"]!["note"] = new string('x', 256 << 10));
        JsonElement problem = await (await client.PostAsync("/v1/models", Form(Weights, card))).ProblemAsync(HttpStatusCode.RequestEntityTooLarge, "checkpoint-too-large");
        Assert.Equal("card", problem.GetProperty("parameter").GetString());
    }

    [Fact]
    public async Task A_real_server_takes_a_checkpoint_above_the_limit_of_pictures_and_refuses_one_above_its_own()
    {
        await using var service = new Service(new() { ["Images:MaxBytes"] = "1024", ["Models:MaxUploadBytes"] = "200000", ["Urls"] = "http://127.0.0.1:0" });
        service.UseKestrel(0);
        HttpClient client = await service.ReadyAsync();
        using (var network = new SmallViT(ModelFolder.SmallConfig with { FeedForwardWidth = 500 })) Checkpoint.Save(_folder.FileOf("large"), network);
        Assert.InRange(new FileInfo(_folder.FileOf("large")).Length, 100_000, 199_000);
        Assert.Equal(HttpStatusCode.Created, (await client.PostAsync("/v1/models", _folder.FormOf("large"))).StatusCode);
        await (await client.PostAsync("/v1/models", Form(new byte[230_000], Card))).ProblemAsync(HttpStatusCode.RequestEntityTooLarge, "checkpoint-too-large");
        var unannounced = new HttpRequestMessage(HttpMethod.Post, "/v1/models") { Content = Form(new byte[400_000], Card), Headers = { TransferEncodingChunked = true } };
        await (await client.SendAsync(unannounced)).ProblemAsync(HttpStatusCode.RequestEntityTooLarge, "checkpoint-too-large");
    }

    private string With(Action<JsonNode> change)
    {
        JsonNode card = JsonNode.Parse(Card)!;
        change(card);
        return card.ToJsonString();
    }

    private static MultipartFormDataContent Form(byte[] weights, string? card)
    {
        var form = new MultipartFormDataContent { { Support.Pictures.Raw(weights), "weights", "mine.safetensors" } };
        if (card is not null) form.Add(Support.Pictures.Raw(Encoding.UTF8.GetBytes(card)), "card", "mine.json");
        return form;
    }
}
