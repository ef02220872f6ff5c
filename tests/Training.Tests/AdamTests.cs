using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DenoiseService.Training.Tests;

public sealed class AdamTests
{
    [Theory]
    [InlineData(0.0)]
    [InlineData(0.1)]
    public void It_takes_the_same_steps_as_the_library(double weightDecay)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(5, CPU);
        Parameter ours = nn.Parameter(randn([7, 5], generator: generator)), theirs = nn.Parameter(ours.detach().clone()); // 35 values: whole vectors and a rest
        Tensor target = randn([7, 5], generator: generator);
        var optimiser = new Adam([ours], weightDecay);
        using OptimizerHelper library = weightDecay == 0 ? optim.Adam([theirs], 0.01) : optim.AdamW([theirs], 0.01, weight_decay: weightDecay);
        for (int step = 0; step < 50; step++)
        {
            optimiser.ZeroGradients();
            (ours - target).square().sum().backward();
            optimiser.Step(step, 0.01);
            library.zero_grad();
            (theirs - target).square().sum().backward();
            library.step();
        }

        Assert.Equal(0, (ours - theirs).abs().max().item<float>(), 5e-6);
        Assert.NotEqual(0, (ours - target).abs().max().item<float>(), 1e-3);
    }

    [Fact]
    public void Of_two_parameters_with_the_same_values_each_has_its_own_mean_gradient()
    {
        using var scope = NewDisposeScope();
        Parameter first = nn.Parameter(ones(3)), second = nn.Parameter(ones(3));
        var optimiser = new Adam([first, second], 0);
        (first.sum() + second.sum() * 2f).backward();
        optimiser.Step(0, 0); // both stay what they are
        Assert.Equal(2 * optimiser.MeanGradient(first)[0], optimiser.MeanGradient(second)[0]);
        Assert.NotEqual(0, optimiser.MeanGradient(first)[0]);
    }

    [Fact]
    public void A_parameter_without_a_gradient_stays()
    {
        using Parameter alone = nn.Parameter(ones(3));
        var optimiser = new Adam([alone], 0.1);
        optimiser.ZeroGradients();
        optimiser.Step(0, 0.1);
        Assert.Equal([1f, 1f, 1f], alone.data<float>().ToArray());
    }
}
