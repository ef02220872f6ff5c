using DenoiseService.Model.Attention;
using static TorchSharp.torch;

namespace DenoiseService.Model.Tests;

public sealed class SmallViTTests
{
    [Theory]
    [InlineData(AttentionKind.AdaptiveMixture, false, 599_689)]
    [InlineData(AttentionKind.AdaptiveMixture, true, 599_689)]
    [InlineData(AttentionKind.NonAdaptiveSparse, false, 582_787)]
    [InlineData(AttentionKind.NonAdaptiveSparse, true, 582_787)]
    [InlineData(AttentionKind.Standard, false, 285_571)]
    [InlineData(AttentionKind.Standard, true, 285_571)]
    public void Parameter_counts_are_the_reports(AttentionKind kind, bool residual, long count)
    {
        using var network = new SmallViT(new ModelConfig { Attention = kind, Residual = residual });
        Assert.Equal(count, network.parameters().Sum(p => p.numel()));
        Assert.Equal(count, network.Config.Parameters);
        Assert.All(network.parameters(), p => Assert.True(p.requires_grad));
    }

    [Theory]
    [InlineData(AttentionKind.AdaptiveMixture, "keys-adaptive.txt")]
    [InlineData(AttentionKind.NonAdaptiveSparse, "keys-nonadaptive.txt")]
    [InlineData(AttentionKind.Standard, "keys-standard.txt")]
    public void Checkpoint_keys_and_shapes_are_the_references(AttentionKind kind, string golden)
    {
        using var network = new SmallViT(new ModelConfig { Attention = kind });
        string[] expected = File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "golden", golden));
        Assert.Equal(expected, RandomWeights.Lines(network.state_dict().Select(t => (t.Key, t.Value.shape))));
    }

    [Fact]
    public void The_photographs_network_has_599_356_parameters_under_pinned_names()
    {
        using var network = new SmallViT(ModelConfig.Photographs);
        Assert.Equal(599_356, network.parameters().Sum(p => p.numel()));
        Assert.Equal(599_356, ModelConfig.Photographs.Parameters);
        Assert.Equal(File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "golden", "keys-photographs.txt")), RandomWeights.Lines(network.state_dict().Select(t => (t.Key, t.Value.shape))));
    }

    [Fact]
    public void A_correction_of_the_size_of_the_shrinkage_is_halved_each_image_by_its_own()
    {
        using var scope = NewDisposeScope();
        ModelConfig plain = Networks.Photographs with { NoiseLevelInput = false, Shrinkage = 0 };
        using SmallViT whole = Networks.Trained(plain);
        Tensor images = rand(3, 3, 32, 32) * 0.5 + 0.25;
        Tensor corrections = whole.call(images).Image - images;
        float[] sizes = corrections.square().mean([1, 2, 3]).sqrt().data<float>().ToArray();
        using SmallViT restrained = Networks.Trained(plain with { Shrinkage = sizes[1] });
        float[] kept = [.. sizes.Select(size => size * size / (size * size + sizes[1] * sizes[1]))];
        Assert.Equal(0.5f, kept[1], 6);
        Assert.True(kept.Distinct().Count() == 3);
        Assert.InRange(Numbers.LargestDifference(Networks.Read(images + corrections * tensor(kept).view(3, 1, 1, 1)), Networks.Read(restrained.call(images).Image)), 0, 1e-6);
        restrained.train();
        Assert.Equal(Networks.Read(whole.call(images).Image), Networks.Read(restrained.call(images).Image)); // nothing to learn from
    }

    [Fact]
    public void The_way_back_from_tokens_adds_patch_unembed()
    {
        using SmallViT network = SmallViT.WithSeed(ModelConfig.Photographs, 3);
        using var scope = NewDisposeScope();
        using var generator = new Generator(5, CPU);
        Tensor grid = randn([2, ModelConfig.Photographs.Width, 16, 16], generator: generator);
        Tensor half = randn([2, ModelConfig.Photographs.HalfWidth, 32, 32], generator: generator), lastly = half.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2); // the same in channels-last memory
        float[] expected = Networks.Read(half + network.Unembed.call(grid)), before = Networks.Read(half);
        Assert.InRange(Numbers.LargestDifference(expected, Networks.Read(network.PlusFeatures(half, grid))), 0, 1e-5);
        Assert.InRange(Numbers.LargestDifference(expected, Networks.Read(network.PlusFeatures(lastly, grid))), 0, 1e-5);
        Assert.Equal(before, Networks.Read(lastly));
        using var inference = inference_mode();
        Assert.InRange(Numbers.LargestDifference(expected, Networks.Read(network.PlusFeatures(half.clone(), grid))), 0, 1e-5);
        Assert.InRange(Numbers.LargestDifference(expected, Networks.Read(network.PlusFeatures(lastly, grid))), 0, 1e-5); // the last to see it: the sum takes its place
    }

    public static TheoryData<string> Others => [.. OtherForms.Keys];

    private static Dictionary<string, ModelConfig> OtherForms { get; } = new()
    {
        ["shared"] = Networks.Odd with { Attention = AttentionKind.SharedMixture },
        ["windows"] = new() { Width = 16, Heads = 2, WindowSide = 4, KeysKept = [3, 16] },
        ["shifted windows, standard"] = new() { Width = 16, Heads = 2, WindowSide = 2, ShiftWindows = true, Attention = AttentionKind.Standard, Blocks = 3 },
        ["stem"] = new() { Width = 16, Heads = 2, StemWidth = 3, HalfWidth = 5, Attention = AttentionKind.NonAdaptiveSparse },
        ["stem, several pairs"] = new() { Width = 16, Heads = 2, StemWidth = 3, HalfWidth = 5, StemPairs = 2, Attention = AttentionKind.SharedMixture, Residual = true },
        ["no attention"] = new() { Width = 16, Heads = 2, WindowSide = 4, Attention = AttentionKind.None },
        ["pairs on the tokens' grid"] = Networks.Odd with { TokenPairs = 2 },
        ["everything"] = ModelConfig.Photographs with { Width = 16, Heads = 2, TileSide = 32, WindowSide = 4, Blocks = 3 },
    };

    [Theory]
    [MemberData(nameof(Others))]
    public void The_other_forms_count_their_parameters_and_give_the_same_with_gradients_and_without(string name)
    {
        ModelConfig config = OtherForms[name];
        random.manual_seed(1);
        using var network = new SmallViT(config);
        network.eval();
        Assert.Equal(config.Parameters, network.parameters().Sum(p => p.numel()));
        using var scope = NewDisposeScope();
        using (no_grad())
        {
            foreach (TorchSharp.Modules.Parameter p in network.parameters()) p.add_(randn_like(p) * 0.02f);
        }

        Tensor input = rand(2, 3, config.TileSide, config.TileSide);
        (Tensor image, Tensor routing) = network.call(input);
        Assert.True(image.requires_grad);
        Assert.Equal([2, config.Blocks, config.Tokens, config.Experts], routing.shape);
        using var inference = inference_mode();
        (Tensor fast, Tensor fastRouting) = network.call(input);
        Assert.InRange(Networks.Read(fast).Count(v => v is > 0 and < 1), fast.numel() / 4, fast.numel()); // what is clamped shows no difference
        Assert.InRange(Numbers.LargestDifference(Networks.Read(image), Networks.Read(fast)), 0, 1e-5);
        Assert.InRange(Numbers.LargestDifference(Networks.Read(routing), Networks.Read(fastRouting)), 0, 1e-5);
    }

    [Fact]
    public void Fresh_positions_have_deviation_0_02()
    {
        random.manual_seed(1);
        using var network = new SmallViT(new ModelConfig());
        float[] position = Networks.Read(network.Position);
        Assert.InRange(position.Average(), -0.001, 0.001);
        Assert.InRange(Math.Sqrt(position.Average(p => (double)p * p)), 0.0195, 0.0205);
    }

    public static TheoryData<string> OracleCases => [.. Cases.Keys];

    internal static Dictionary<string, ModelConfig> Cases { get; } = new()
    {
        ["released"] = new() { RouterActivation = RouterActivation.Relu },
        ["report"] = new(),
        ["residual"] = new() { Residual = true },
        ["non-adaptive"] = new() { Attention = AttentionKind.NonAdaptiveSparse },
        ["non-adaptive, sparse indeed"] = new() { Attention = AttentionKind.NonAdaptiveSparse, KeysKept = [64, 20], Residual = true },
        ["standard"] = new() { Attention = AttentionKind.Standard },
        ["standard residual"] = new() { Attention = AttentionKind.Standard, Residual = true },
        ["odd"] = Networks.Odd,
        ["odd, one expert"] = Networks.Odd with { KeysKept = [1], RouterActivation = RouterActivation.Relu },
    };

    [Theory]
    [MemberData(nameof(OracleCases))]
    public void The_network_equals_the_released_one_written_in_plain_loops(string name)
    {
        ModelConfig config = Cases[name];
        OracleCase expected = OracleCase.For(config);
        foreach (TopKAttention form in new TopKAttention[] { TopK.Fast, TopK.Direct, TopK.Explicit })
        {
            using SmallViT network = expected.Weights.Network(config, form);
            Assert.Equal(network.parameters().Sum(p => p.numel()), config.Parameters);
            using var inference = inference_mode();
            using var scope = NewDisposeScope();
            (Tensor image, Tensor routing) = network.call(tensor(expected.Images, [expected.Count, 3, config.TileSide, config.TileSide]));
            Assert.Equal([expected.Count, 3, config.TileSide, config.TileSide], image.shape);
            Assert.Equal([expected.Count, config.Blocks, config.Tokens, config.Experts], routing.shape);
            Assert.InRange(Numbers.LargestDifference(expected.Outputs, Networks.Read(image)), 0, 1e-5);
            Assert.InRange(Numbers.LargestDifference(expected.Routings, Networks.Read(routing)), 0, 1e-5);
        }
    }

    [Fact]
    public void The_oracles_cases_are_not_trivial()
    {
        OracleCase c = OracleCase.For(new ModelConfig());
        Assert.InRange(c.Outputs.Count(v => v is 0 or 1) / (double)c.Outputs.Length, 0, 0.2); // not clamped away
        Assert.InRange(c.Outputs.Max() - c.Outputs.Min(), 0.3, 1);
        Assert.InRange(c.Routings.Max(), 0.6, 1); // a router with opinions
        Assert.InRange(Math.Abs(Oracle.Erf(0.5) - 0.5204998778130465), 0, 1e-14);
        Assert.InRange(Math.Abs(Oracle.Erf(-3.5) + 0.9999992569016276), 0, 1e-14);
    }

    [Fact]
    public void Output_is_clamped_and_carries_gradients_to_every_parameter()
    {
        ModelConfig config = Networks.Tiny;
        using SmallViT network = RandomWeights.For(config, 3).Network(config);
        using var scope = NewDisposeScope();
        (Tensor image, Tensor routing) = network.call(rand(2, 3, 32, 32));
        (image.square().mean() + routing.square().mean()).backward();
        Assert.All(network.named_parameters(), p => Assert.True(p.parameter.grad is { } g && g.abs().sum().item<float>() > 0, p.name));
        Assert.InRange(Networks.Read(image).Min(), 0, 1);
        Assert.InRange(Networks.Read(image).Max(), 0, 1);
        Assert.InRange(Numbers.LargestDifference(Networks.Read(routing.sum(-1)), Enumerable.Repeat(1f, 2 * 2 * 64).ToArray()), 0, 1e-6);
        network.zero_grad();
    }

    [Fact]
    public void A_config_out_of_range_makes_no_network() =>
        Assert.Contains("Heads is 3", Assert.Throws<ModelConfigException>(() => new SmallViT(new ModelConfig { Heads = 3 })).Message, StringComparison.Ordinal);

    [Fact]
    public void Without_the_clamp_in_training_every_pixel_has_a_gradient()
    {
        using var scope = TorchSharp.torch.NewDisposeScope();
        var config = new ModelConfig { Width = 16, Heads = 2, FeedForwardWidth = 32, RouterWidth = 8, TileSide = 16, KeysKept = [4, 16] };
        Assert.True(Zeros(config) > 0); // fresh weights predict about as many values below 0 as above
        Assert.Equal(0, Zeros(config with { ClampInTraining = false }));

        // At inference both are clamped.
        using SmallViT network = SmallViT.WithSeed(config with { ClampInTraining = false }, 1);
        network.eval();
        (TorchSharp.torch.Tensor image, _) = network.call(TorchSharp.torch.zeros(1, 3, 16, 16));
        Assert.True(image.min().item<float>() >= 0);

        static long Zeros(ModelConfig config)
        {
            using SmallViT network = SmallViT.WithSeed(config, 1);
            network.train();
            (TorchSharp.torch.Tensor image, _) = network.call(TorchSharp.torch.zeros(1, 3, 16, 16));
            return (image == 0).sum().item<long>();
        }
    }
}
