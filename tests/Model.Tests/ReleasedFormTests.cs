using static TorchSharp.torch;

namespace DenoiseService.Model.Tests;

public sealed class ReleasedFormTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string> Forms => [.. Configs.Keys];

    // Without the file's help the released code's fixed choices hold: heads of 32, budgets 32, 64, 128, …, ReLU, no residual.
    private static Dictionary<string, ModelConfig> Configs { get; } = new()
    {
        ["adaptive"] = new() { RouterActivation = RouterActivation.Relu },
        ["non-adaptive"] = new() { Attention = AttentionKind.NonAdaptiveSparse, RouterActivation = RouterActivation.Relu },
        ["standard"] = new() { Attention = AttentionKind.Standard, RouterActivation = RouterActivation.Relu },
        ["other sizes"] = new()
        {
            Width = 64, Heads = 2, Blocks = 3, PatchSide = 8, TileSide = 48, FeedForwardWidth = 40, RouterWidth = 10, KeysKept = [32, 64], RouterActivation = RouterActivation.Relu,
        },
    };

    [Theory]
    [MemberData(nameof(Forms))]
    public void A_bare_file_of_another_program_loads_as_the_released_form_and_gives_its_output(string form)
    {
        ModelConfig config = Configs[form];
        OracleCase expected = OracleCase.For(config);
        File.WriteAllBytes(_folder["released.safetensors"], expected.Weights.ToForeignSafetensors());
        (SmallViT network, CheckpointCard card) = Checkpoint.Load(_folder["released.safetensors"]);
        using (network)
        {
            Assert.Equal(System.Text.Json.JsonSerializer.Serialize(config), System.Text.Json.JsonSerializer.Serialize(card.Config));
            Assert.Equal(64, card.Sha256.Length);
            Assert.False(network.training);
            using var inference = inference_mode();
            using var scope = NewDisposeScope();
            (Tensor image, Tensor routing) = network.call(tensor(expected.Images, [expected.Count, 3, config.TileSide, config.TileSide]));
            Assert.InRange(Numbers.LargestDifference(expected.Outputs, Networks.Read(image)), 0, 1e-5);
            Assert.InRange(Numbers.LargestDifference(expected.Routings, Networks.Read(routing)), 0, 1e-5);
        }
    }

    [Fact]
    public void The_same_file_runs_in_the_engine_with_the_same_output()
    {
        ModelConfig config = Configs["adaptive"];
        OracleCase expected = OracleCase.For(config, count: 1);
        File.WriteAllBytes(_folder["released.safetensors"], expected.Weights.ToForeignSafetensors());
        using var denoiser = new Denoiser(Checkpoint.Load(_folder["released.safetensors"]).Network);
        float[] picture = [.. expected.Images];
        RoutingMap map = denoiser.Denoise(picture, 32, 32, withRouting: true)!;
        Assert.InRange(Numbers.LargestDifference(expected.Outputs, picture), 0, 1e-5);
        Assert.InRange(Numbers.LargestDifference(expected.Routings, map.Probabilities), 0, 1e-5);
    }

    [Theory]
    [InlineData("pos_embed", null, "lacks tensor pos_embed")]
    [InlineData("patch_embed.weight", null, "lacks tensor patch_embed.weight")]
    [InlineData("blocks.0.ffn.0.weight", null, "lacks tensor blocks.0.ffn.0.weight")]
    [InlineData("blocks.1.ffn.0.weight", null, "lacks tensor blocks.1.ffn.0.weight")]
    [InlineData("pos_embed", new long[] { 64, 128 }, "tensor pos_embed has 2 dimensions, not 3")]
    [InlineData("pos_embed", new long[] { 1, 63, 128 }, "tensor pos_embed has shape [1, 63, 128], this network needs [1, 64, 128]")]
    [InlineData("pos_embed", new long[] { 1, 0, 128 }, "TileSide is 0")]
    [InlineData("patch_embed.weight", new long[] { 128, 3, 4, 5 }, "tensor patch_embed.weight has shape")]
    [InlineData("patch_embed.weight", new long[] { 100, 3, 4, 4 }, "Heads is 3")]
    [InlineData("patch_embed.weight", new long[] { 0, 3, 4, 4 }, "Width is 0")]
    [InlineData("blocks.-1.x", new long[] { 1 }, "blocks.-1.x")]
    [InlineData("blocks.70.x", new long[] { 1 }, "Blocks is 71")]
    [InlineData("blocks.99999999999.x", new long[] { 1 }, "blocks.99999999999.x")]
    [InlineData("blocks.", new long[] { 1 }, "tensor blocks.,")]
    [InlineData("blocks.0.attn.experts.9000.x", new long[] { 1 }, "KeysKept")]
    public void A_bare_file_that_is_something_else_is_refused(string name, long[]? shape, string expected)
    {
        using var scope = NewDisposeScope();
        RandomWeights weights = RandomWeights.For(Configs["adaptive"], 1);
        Dictionary<string, Tensor> tensors = weights.Arrays.ToDictionary(a => a.Key, a => tensor(a.Value.Values, a.Value.Shape.Select(s => (long)s).ToArray()));
        if (shape is null) tensors.Remove(name);
        else tensors[name] = zeros(shape);
        Safetensors.Write(_folder["other.safetensors"], tensors);
        string message = Assert.Throws<CheckpointException>(() => Checkpoint.Load(_folder["other.safetensors"])).Message;
        Assert.Contains(expected, message, StringComparison.Ordinal);
        Assert.DoesNotContain(_folder.Path, message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_small_bare_file_cannot_make_a_huge_network()
    {
        using var scope = NewDisposeScope();
        Safetensors.Write(_folder["bomb.safetensors"], new Dictionary<string, Tensor>
        {
            ["pos_embed"] = zeros(1, 1, 0),
            ["patch_embed.weight"] = zeros(4096, 0, 1, 1),
            ["blocks.0.ffn.0.weight"] = zeros(65536, 0),
            ["blocks.63.x"] = zeros(1),
        });
        Assert.Throws<CheckpointException>(() => Checkpoint.Load(_folder["bomb.safetensors"]));
    }
}
