using DenoiseService.Model;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DenoiseService.Training.Tests;

public sealed class IdleUnitsTests
{
    private const int Killed = 5;
    private const string Pair = "encoder.half.";

    private static readonly ModelConfig Stem = Small.Model with { UnshuffledStem = true, HalfWidth = 16 };

    [Theory]
    [InlineData(OptimiserKind.Muon)]
    [InlineData(OptimiserKind.AdamW)]
    public void A_unit_that_answers_nothing_is_drawn_anew_and_learns_while_the_answers_stay(OptimiserKind kind)
    {
        using var scope = NewDisposeScope();
        using SmallViT network = Network(), mean = Network();
        Dictionary<string, Parameter> weights = network.named_parameters().ToDictionary(p => p.name, p => p.parameter);
        IOptimiser optimiser = kind == OptimiserKind.Muon ? new Muon(network.parameters(), 0) : new Adam(network.parameters(), 0);
        for (int step = 0; step < 30; step++)
        {
            Learn(network, optimiser);
            optimiser.Step(step, 1e-4);
        }

        int idle = Idle(optimiser, weights);
        Assert.InRange(idle, 1, 16); // the killed one, and what the start happened to leave
        using Tensor images = Images(9);
        float[] before = Answer(network, images), others = Others(weights);

        Assert.Contains((Pair, Killed), IdleUnits.Of(network, optimiser));
        Assert.Equal(idle, IdleUnits.Revive(network, mean, optimiser, 3));
        Assert.Equal(before, Answer(network, images));
        Assert.Equal(others, Others(weights));
        Assert.Equal(0, weights[Pair + "first.bias"][Killed].item<float>());
        float[] drawn = weights[Pair + "first.weight"][Killed].data<float>().ToArray();
        Assert.All(drawn, w => Assert.InRange(w, -2f / 12, 2f / 12)); // 16 inputs of 3 × 3
        Assert.All(drawn.Chunk(9), window => Assert.InRange(window.Sum(), -1e-5f, 1e-5f)); // evenness leaves it at 0
        Assert.True(drawn.Distinct().Count() > 100);
        Assert.Equal(0, weights[Pair + "second.weight"][.., Killed].abs().max().item<float>());
        Assert.Equal(drawn, mean.get_parameter(Pair + "first.weight")![Killed].data<float>().ToArray());

        Learn(network, optimiser);
        Assert.True(weights[Pair + "second.weight"].grad![.., Killed].abs().max().item<float>() > 0, "it still answers nothing");
    }

    [Fact]
    public void Units_that_learn_stay()
    {
        using var scope = NewDisposeScope();
        using SmallViT network = SmallViT.WithSeed(Stem, 4);
        var optimiser = new Muon(network.parameters(), 0);
        foreach (float[] moments in optimiser.State.SelectMany(s => s.Moments)) Array.Fill(moments, 1e-20f);
        float[] before = network.get_parameter(Pair + "first.weight")!.data<float>().ToArray();
        Assert.Empty(IdleUnits.Of(network, optimiser));
        Assert.Equal(0, IdleUnits.Revive(network, null, optimiser, 3));
        Assert.Equal(before, network.get_parameter(Pair + "first.weight")!.data<float>().ToArray());
    }

    /// <summary>With a last layer that is not zero any more, and one unit that is negative whatever comes.</summary>
    private static SmallViT Network()
    {
        using var noGrad = no_grad();
        SmallViT network = SmallViT.WithSeed(Stem, 4);
        using var generator = new Generator(5, CPU);
        foreach ((string name, Parameter parameter) in network.named_parameters())
        {
            if (name == "decoder.lower.weight") parameter.copy_(randn(parameter.shape, generator: generator) * 0.1f);
            if (name == Pair + "first.bias") parameter[Killed] = -100f;
        }

        return network;
    }

    private static Tensor Images(int seed)
    {
        using var generator = new Generator((ulong)seed, CPU);
        return rand([4, 3, 16, 16], generator: generator);
    }

    private static void Learn(SmallViT network, IOptimiser optimiser)
    {
        using var scope = NewDisposeScope();
        optimiser.ZeroGradients();
        network.train();
        Tensor clean = Images(1);
        (network.call(clean * 0.9f).Image - clean).square().mean().backward();
    }

    private static float[] Answer(SmallViT network, Tensor images)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        network.eval();
        return network.call(images).Image.data<float>().ToArray();
    }

    private static int Idle(IOptimiser optimiser, Dictionary<string, Parameter> weights) => weights
        .Where(w => w.Key.EndsWith(".first.weight", StringComparison.Ordinal))
        .Sum(w => optimiser.MeanGradient(w.Value).ToArray().Chunk(144).Count(unit => unit.All(m => m == 0)));

    private static float[] Others(Dictionary<string, Parameter> weights) =>
        [.. weights.Where(w => !w.Key.Contains(".first.", StringComparison.Ordinal) && !w.Key.EndsWith(".second.weight", StringComparison.Ordinal)).SelectMany(w => w.Value.data<float>().ToArray())];
}
