using DenoiseService.Model.Attention;
using static TorchSharp.torch;

namespace DenoiseService.Model.Tests.Attention;

public sealed class FusedNetworkTests
{
    public static TheoryData<string> Cases => [.. SmallViTTests.Cases.Where(c => FusedNetwork.Covers(c.Value)).Select(c => c.Key)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_fused_form_equals_the_released_network_written_in_plain_loops(string name)
    {
        ModelConfig config = SmallViTTests.Cases[name];
        OracleCase expected = OracleCase.For(config, count: 3);
        (float[] image, float[] routing) = Run(expected.Weights, config, expected.Images, expected.Count);
        Assert.InRange(Numbers.LargestDifference(expected.Outputs, image), 0, 1e-5);
        Assert.InRange(Numbers.LargestDifference(expected.Routings, routing), 0, 1e-5);
    }

    [Fact]
    public void At_256_tokens_where_all_experts_are_sparse_it_equals_the_network()
    {
        ModelConfig config = new() { TileSide = 64, Width = 32, Heads = 2 };
        RandomWeights weights = RandomWeights.For(config, 5);
        float[] images = Numbers.Uniform(2 * 3 * 64 * 64, 6);
        (float[] image, float[] routing) = Run(weights, config, images, 2);
        using SmallViT network = weights.Network(config, TopK.Direct);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        (Tensor expected, Tensor expectedRouting) = network.call(tensor(images, [2, 3, 64, 64]));
        Assert.InRange(Numbers.LargestDifference(Networks.Read(expected), image), 0, 1e-5);
        Assert.InRange(Numbers.LargestDifference(Networks.Read(expectedRouting), routing), 0, 1e-5);
    }

    [Fact]
    public void It_lives_on_without_the_network_and_leaves_its_input_alone()
    {
        ModelConfig config = Networks.Odd with { Residual = true };
        float[] images = Numbers.Uniform(300, 1);
        using SmallViT network = RandomWeights.For(config, 1).Network(config);
        using var fused = new FusedNetwork(network);
        using var scope = NewDisposeScope();
        using var inference = inference_mode();
        Tensor input = tensor(images, [1, 3, 10, 10]);
        float[] before = Networks.Read(fused.Forward(input).Image);
        network.Dispose();
        Assert.Equal(images, Networks.Read(input));
        Assert.Equal(before, Networks.Read(fused.Forward(input).Image));
    }

    [Fact]
    public void Only_the_adaptive_mixture_is_covered()
    {
        Assert.True(FusedNetwork.Covers(new ModelConfig()));
        Assert.False(FusedNetwork.Covers(new ModelConfig { Attention = AttentionKind.Standard }));
        Assert.False(FusedNetwork.Covers(new ModelConfig { Attention = AttentionKind.NonAdaptiveSparse }));
    }

    private static (float[] Image, float[] Routing) Run(RandomWeights weights, ModelConfig config, float[] images, int count)
    {
        using SmallViT network = weights.Network(config);
        using var fused = new FusedNetwork(network);
        using var scope = NewDisposeScope();
        using var inference = inference_mode();
        (Tensor image, Tensor routing) = fused.Forward(tensor(images, [count, 3, config.TileSide, config.TileSide]));
        Assert.Equal([count, config.Blocks, config.Tokens, config.Experts], routing.shape);
        return (Networks.Read(image), Networks.Read(routing));
    }
}
