using System.Text.Json;
using System.Text.Json.Nodes;
using static TorchSharp.torch;

namespace DenoiseService.Model.Tests;

public sealed class CheckpointTests : IDisposable
{
    private static readonly ModelConfig Config = Networks.Tiny with { Residual = true, Blocks = 1 };

    private readonly TemporaryFolder _folder = new();

    private string Weights => _folder["net.safetensors"];

    private string Card => _folder["net.json"];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(AttentionKind.AdaptiveMixture)]
    [InlineData(AttentionKind.NonAdaptiveSparse)]
    [InlineData(AttentionKind.Standard)]
    public void Weights_config_and_card_come_back(AttentionKind kind)
    {
        ModelConfig config = Networks.Odd with { Attention = kind, Residual = true };
        using var network = new SmallViT(config);
        var training = new JsonObject { ["seed"] = 7, ["data"] = "cifar10" };
        CheckpointCard saved = Checkpoint.Save(Weights, network, training, new JsonObject { ["psnr"] = 25.12 });
        Assert.Equal([Card, Weights], Directory.GetFileSystemEntries(_folder.Path).Order());
        (SmallViT loaded, CheckpointCard card) = Checkpoint.Load(Weights);
        using (loaded)
        {
            Assert.False(loaded.training);
            Assert.Equal(JsonSerializer.Serialize(config), JsonSerializer.Serialize(card.Config));
            Assert.Equal(JsonSerializer.Serialize(config), JsonSerializer.Serialize(loaded.Config));
            Assert.Equal(saved.Sha256, card.Sha256);
            Assert.Equal(training.ToJsonString(), card.Training.ToJsonString());
            Assert.Equal(25.12, (double)card.Metrics["psnr"]!);
            Dictionary<string, Tensor> a = network.state_dict(), b = loaded.state_dict();
            Assert.All(a, t => Assert.Equal(Networks.Read(t.Value), Networks.Read(b[t.Key])));
        }
    }

    [Fact]
    public void A_checkpoint_in_memory_is_read_and_refused_as_its_files_are()
    {
        using var network = new SmallViT(Networks.Tiny);
        CheckpointCard card = Checkpoint.Save(Weights, network);
        byte[] weights = File.ReadAllBytes(Weights), json = File.ReadAllBytes(Checkpoint.CardPath(Weights));
        (SmallViT read, CheckpointCard readCard) = Checkpoint.Parse(weights, json, "net");
        using (read) Assert.Equal(network.Position.data<float>().ToArray(), read.Position.data<float>().ToArray());
        Assert.Equal(card.Sha256, readCard.Sha256);
        Assert.Equal(json, Checkpoint.ToBytes(readCard));
        Assert.Contains("net.safetensors belongs to a card", Assert.Throws<CheckpointException>(() => Checkpoint.Parse(weights, null, "net")).Message, StringComparison.Ordinal);
        Assert.Contains("net.json", Assert.Throws<CheckpointException>(() => Checkpoint.Parse(weights, "{\"sha256\":\"a\",\"sha256\":\"b\"}"u8.ToArray(), "net")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_card_is_readable_alone_and_says_what_it_is()
    {
        Save();
        Assert.True(Checkpoint.ReadCard(Weights).Config.Residual);
        JsonNode json = JsonNode.Parse(File.ReadAllText(Card))!;
        Assert.Equal("AdaptiveMixture", (string)json["config"]!["attention"]!);
        Assert.Equal(64, ((string)json["sha256"]!).Length);
    }

    [Fact]
    public void A_second_save_of_the_same_network_is_the_same_bytes()
    {
        using var network = new SmallViT(Config);
        Checkpoint.Save(Weights, network);
        byte[] first = File.ReadAllBytes(Weights);
        Checkpoint.Save(Weights, network);
        Assert.Equal(first, File.ReadAllBytes(Weights));
    }

    [Fact]
    public void Truncated_weights_are_refused()
    {
        Save();
        byte[] bytes = File.ReadAllBytes(Weights);
        foreach (int length in new[] { 0, 7, 8, 100, bytes.Length / 2, bytes.Length - 1 })
        {
            File.WriteAllBytes(Weights, bytes[..length]);
            Refused("net.safetensors is truncated");
        }
    }

    [Fact]
    public void A_wrong_checksum_is_refused()
    {
        Save();
        byte[] bytes = File.ReadAllBytes(Weights);
        bytes[^1] ^= 1;
        File.WriteAllBytes(Weights, bytes);
        Refused("net.safetensors has sha256", "its card net.json says");
    }

    [Fact]
    public void Weights_without_the_card_that_belongs_to_them_are_refused()
    {
        Save();
        File.Delete(Card);
        Refused("net.json");
    }

    [Fact]
    public void An_interrupted_save_is_refused()
    {
        Save();
        byte[] oldCard = File.ReadAllBytes(Card), oldWeights = File.ReadAllBytes(Weights);
        Save();
        byte[] newCard = File.ReadAllBytes(Card), newWeights = File.ReadAllBytes(Weights);
        File.WriteAllBytes(Card, oldCard); // the new weights were written, the card was not
        Refused("its card net.json says");
        File.WriteAllBytes(Card, newCard);
        File.WriteAllBytes(Weights, oldWeights); // or the other way round
        Refused("its card net.json says");
        File.WriteAllBytes(Weights, newWeights);
        Checkpoint.Load(Weights).Network.Dispose();
    }

    [Fact]
    public void Missing_weights_are_named_without_a_folder()
    {
        Refused("net.safetensors does not exist.");
        string message = Assert.Throws<CheckpointException>(() => Checkpoint.ReadCard(Weights)).Message;
        Assert.Equal("net.json does not exist; it is the card that net.safetensors needs beside it.", message);
        message = Assert.Throws<CheckpointException>(() => Checkpoint.ReadCard(_folder["no/such/net.safetensors"])).Message;
        Assert.DoesNotContain(_folder.Path, message, StringComparison.Ordinal);
    }

    public static TheoryData<string, string> DamagedCards => new()
    {
        { "", "net.json is not a readable card" },
        { "null", "net.json is empty" },
        { "{", "net.json is not a readable card" },
        { "[]", "net.json is not a readable card" },
        { "{}", "net.json lacks config or sha256" },
        { """{"config":{}}""", "net.json lacks config or sha256" },
        { """{"sha256":"00"}""", "net.json lacks config or sha256" },
        { """{"config":null,"sha256":"00"}""", "net.json lacks config or sha256" },
        { """{"config":7,"sha256":"00"}""", "net.json is not a readable card" },
        { """{"config":{"attention":"Other"},"sha256":"00"}""", "net.json is not a readable card" },
        { """{"config":{"width":"wide"},"sha256":"00"}""", "net.json is not a readable card" },
        { """{"config":{"width":0},"sha256":"00"}""", "Width is 0; it must be 1 to 4096" },
        { """{"config":{"keysKept":null},"sha256":"00"}""", "KeysKept is []" },
        { """{"config":{"tileSide":33},"sha256":"00"}""", "TileSide is 33" },
        { """{"config":{"blocks":1000000},"sha256":"00"}""", "Blocks is 1000000" },
        { """{"config":{},"sha256":"00","training":[]}""", "net.json is not a readable card" },
        { """{"config":{},"sha256":"00","training":{"a":1,"a":2}}""", "net.json is not a readable card" },
        { """{"config":{},"sha256":"00","training":{"commit":"\ud800"}}""", "net.json is not a readable card" }, // half of a pair
        { """{"config":{},"sha256":"00","training":{"data":[{"a":"\udc00\ud800"}]}}""", "net.json is not a readable card" },
        { """{"config":{},"sha256":"00","metrics":{"\udc00":1}}""", "net.json is not a readable card" },
    };

    [Theory]
    [MemberData(nameof(DamagedCards))]
    public void A_damaged_card_is_refused(string json, string expected)
    {
        Save();
        File.WriteAllText(Card, json);
        Refused(expected);
    }

    [Fact]
    public void A_card_that_is_not_utf_8_is_refused()
    {
        byte[] json = [.. "{\"config\":{},\"sha256\":\"00\",\"training\":{\"commit\":\""u8, 0xff, .. "\"}}"u8];
        Assert.Contains("net.json is not a readable card", Assert.Throws<CheckpointException>(() => Checkpoint.ParseCard(json, "net.json")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_card_of_another_shape_is_refused_by_the_tensors_name()
    {
        Save();
        JsonNode json = JsonNode.Parse(File.ReadAllText(Card))!;
        json["config"]!["feedForwardWidth"] = 17;
        File.WriteAllText(Card, json.ToJsonString());
        Refused("tensor blocks.0.ffn.0.", "this network needs [17");
    }

    [Fact]
    public void A_card_that_needs_far_more_memory_than_the_weights_are_long_is_refused_before_it_is_built()
    {
        Save();
        JsonNode json = JsonNode.Parse(File.ReadAllText(Card))!;
        json["config"]!["width"] = 4096;
        json["config"]!["feedForwardWidth"] = 65536;
        json["config"]!["blocks"] = 64; // 138 GB
        File.WriteAllText(Card, json.ToJsonString());
        Refused("net.safetensors");
    }

    [Fact]
    public void What_is_kept_with_the_weights_and_not_learned_counts_as_well()
    {
        Save();
        JsonNode json = JsonNode.Parse(File.ReadAllText(Card))!;
        var asked = new ModelConfig { Width = 1, Heads = 1, PatchSide = 1, TileSide = 1024, FeedForwardWidth = 1, RouterWidth = 1, Blocks = 64, KeysKept = [.. Enumerable.Range(1, 64)], Attention = AttentionKind.SharedMixture, Routing = RoutingKind.Random };
        Assert.True(asked.Parameters < 1_100_000); // and 64 times 2²⁰ × 64 probabilities, 17 GB
        json["config"] = JsonSerializer.SerializeToNode(asked, JsonSerializerOptions.Web);
        File.WriteAllText(Card, json.ToJsonString());
        Refused("its configuration needs 429");
    }

    [Fact]
    public void A_renamed_tensor_is_refused()
    {
        Rewrite(t => Rename(t, "blocks.0.norm1.bias", "blocks.0.norm1.offset"));
        Refused("net.safetensors lacks tensor blocks.0.norm1.bias");
    }

    [Fact]
    public void A_surplus_tensor_is_refused()
    {
        Rewrite(t => t["extra"] = zeros(1));
        Refused("net.safetensors has tensor extra, which this network does not know");
    }

    [Theory]
    [InlineData("pos_embed", new long[] { 1, 1, 32 })] // would broadcast
    [InlineData("patch_embed.bias", new long[] { 1 })] // would broadcast
    [InlineData("blocks.0.norm1.weight", new long[] { 1, 32 })] // would broadcast
    [InlineData("blocks.0.attn.merge_proj.weight", new long[] { 1, 32 })] // would broadcast
    [InlineData("blocks.0.attn.merge_proj.weight", new long[] { 32, 33 })]
    [InlineData("blocks.0.attn.merge_proj.bias", new long[] { })] // a scalar
    [InlineData("patch_unembed.weight", new long[] { 3, 32, 4, 4 })]
    public void A_wrong_shape_is_refused_even_if_it_would_broadcast(string name, long[] shape)
    {
        Rewrite(t => t[name] = zeros(shape));
        Refused($"tensor {name} has shape [{string.Join(", ", shape)}], this network needs [");
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void A_value_that_is_not_finite_is_refused(float value)
    {
        Rewrite(t =>
        {
            t["blocks.0.ffn.2.bias"] = zeros(32);
            t["blocks.0.ffn.2.bias"][31] = value;
        });
        Refused("tensor blocks.0.ffn.2.bias has values that are not finite");
    }

    [Fact]
    public void Another_dtype_is_refused()
    {
        Rewrite(t => t["pos_embed"] = zeros(1, 64, 32, dtype: ScalarType.Float64));
        Refused("tensor pos_embed is Float64, not Float32");
    }

    [Fact]
    public void A_refused_fill_names_the_tensor_and_a_good_one_copies()
    {
        using var network = new SmallViT(Config);
        using var other = new SmallViT(Config);
        Checkpoint.Fill(network, other.state_dict(), "x");
        Assert.Equal(Networks.Read(other.Position), Networks.Read(network.Position));
        Assert.NotSame(other.Position, network.Position);
        Assert.True(network.Position.requires_grad);
    }

    private void Save()
    {
        using var network = new SmallViT(Config);
        Checkpoint.Save(Weights, network);
    }

    /// <summary>Saves a network, changes its tensors, and makes the card agree with the file's checksum.</summary>
    private void Rewrite(Action<Dictionary<string, Tensor>> change)
    {
        using var network = new SmallViT(Config);
        using var scope = NewDisposeScope();
        Checkpoint.Save(Weights, network);
        Dictionary<string, Tensor> tensors = network.state_dict();
        change(tensors);
        string sha256 = Safetensors.Write(Weights, tensors);
        JsonNode json = JsonNode.Parse(File.ReadAllText(Card))!;
        json["sha256"] = sha256;
        File.WriteAllText(Card, json.ToJsonString());
    }

    private static void Rename(Dictionary<string, Tensor> tensors, string from, string to)
    {
        tensors.Remove(from, out Tensor? tensor);
        tensors[to] = tensor!;
    }

    private void Refused(params string[] expected)
    {
        string message = Assert.Throws<CheckpointException>(() => Checkpoint.Load(Weights)).Message;
        Assert.All(expected, text => Assert.Contains(text, message, StringComparison.Ordinal));
        Assert.DoesNotContain(_folder.Path, message, StringComparison.Ordinal);
    }
}
