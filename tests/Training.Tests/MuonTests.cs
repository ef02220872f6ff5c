using DenoiseService.Model;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DenoiseService.Training.Tests;

public sealed class MuonTests
{
    [Theory]
    [InlineData(20, 50)]
    [InlineData(50, 20)]
    [InlineData(32, 32)]
    public void A_direction_keeps_its_singular_vectors_and_all_its_singular_values_become_about_one(int rows, int columns)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(3, CPU);
        Tensor matrix = randn([rows, columns], generator: generator) * linspace(1, 0.2, columns);
        (Tensor u, Tensor s, Tensor vt) = linalg.svd(matrix, fullMatrices: false);
        Tensor values = linalg.svdvals(Muon.Orthogonal(matrix * 1e-3)), between = mm(mm(u.t(), Muon.Orthogonal(matrix)), vt.t()); // diagonal, if the vectors are the same
        Assert.True(s.max().item<float>() > 3 * s.min().item<float>(), "they were not");
        float[] found = values.data<float>().ToArray();
        Assert.All(found.SkipLast(2), value => Assert.InRange(value, 0.6f, 1.25f)); // the smallest need more iterations
        Assert.InRange((between - diag(diag(between))).abs().max().item<float>(), 0, 1e-3);
    }

    [Fact]
    public void A_matrix_moves_as_far_as_its_sides_and_the_rate_say_and_what_is_no_matrix_moves_as_adam()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(4, CPU);
        Parameter matrix = nn.Parameter(randn([32, 16, 3, 3], generator: generator)), bias = nn.Parameter(randn([32], generator: generator)), narrow = nn.Parameter(randn([3, 64], generator: generator));
        Parameter[] others = [nn.Parameter(bias.detach().clone()), nn.Parameter(narrow.detach().clone())];
        Tensor before = matrix.detach().clone(), slope = randn([32, 16, 3, 3], generator: generator);
        var muon = new Muon([matrix, bias, narrow], 0.1);
        var adam = new Adam(others, 0.1);
        Slope(muon, (matrix * slope).sum().Plus(bias.square().sum()).Plus(narrow.square().sum()));
        Slope(adam, others[0].square().sum().Plus(others[1].square().sum()));
        muon.Step(0, 0.01);
        adam.Step(0, 0.01);
        Assert.Equal(others[0].data<float>().ToArray(), bias.data<float>().ToArray());
        Assert.Equal(others[1].data<float>().ToArray(), narrow.data<float>().ToArray());

        Tensor moved = matrix.detach() - before * (1 - 0.01 * 0.1); // (32, 16, 3, 3): a matrix of 32 × 144
        Tensor expected = Muon.Orthogonal(slope.reshape(32, 144)) * (-0.01 * 0.2 * Math.Sqrt(144));
        Assert.InRange((moved.reshape(32, 144) - expected).abs().max().item<float>(), 0, 1e-5);
        Assert.InRange(moved.square().mean().sqrt().item<float>(), 0.0014f, 0.0024f); // 0.2 of the rate

        static void Slope(IOptimiser optimiser, Tensor loss)
        {
            optimiser.ZeroGradients();
            loss.backward();
        }
    }

    [Fact]
    public void Of_two_matrices_with_the_same_values_each_has_its_own_mean_gradient()
    {
        using var scope = NewDisposeScope();
        Parameter first = nn.Parameter(ones(16, 24)), second = nn.Parameter(ones(16, 24));
        var optimiser = new Muon([first, second], 0);
        (first.sum() + second.sum() * 2f).backward();
        optimiser.Step(0, 0); // both stay what they are
        Assert.Equal(2 * optimiser.MeanGradient(first)[0], optimiser.MeanGradient(second)[0]);
        Assert.NotEqual(0, optimiser.MeanGradient(first)[0]);
    }

    [Fact]
    public void Moments_that_no_gradient_feeds_become_zero_and_never_subnormal()
    {
        using var scope = NewDisposeScope();
        Parameter weight = nn.Parameter(ones(16, 24));
        var optimiser = new Muon([weight], 0);
        Tensor input = ones(24);
        for (int step = 0; step < 1500; step++)
        {
            using var inner = NewDisposeScope();
            optimiser.ZeroGradients();
            mv(weight, input)[..(step == 0 ? 16 : 8)].square().mean().backward(); // the second half of the rows only once
            optimiser.Step(step, 1e-4);
            Assert.All(optimiser.MeanGradient(weight).ToArray(), m => Assert.False(float.IsSubnormal(m)));
        }

        float[] moments = optimiser.MeanGradient(weight).ToArray();
        Assert.All(moments[..(8 * 24)], m => Assert.NotEqual(0, m));
        Assert.All(moments[(8 * 24)..], m => Assert.Equal(0, m));
    }

    [Fact]
    public void It_finds_the_least_squares_and_a_parameter_without_a_gradient_stays()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(5, CPU);
        Parameter weight = nn.Parameter(zeros(16, 24)), idle = nn.Parameter(ones(16, 16));
        Tensor wanted = randn([16, 24], generator: generator), input = randn([200, 24], generator: generator) * logspace(0, -1, 24, 10), target = mm(input, wanted.t());
        var optimiser = new Muon([weight, idle], 0);
        double first = 0, last = 0;
        for (int step = 0; step < 300; step++)
        {
            using var inner = NewDisposeScope();
            optimiser.ZeroGradients();
            Tensor loss = (mm(input, weight.t()) - target).square().mean();
            loss.backward();
            optimiser.Step(step, 0.05 * (1 - step / 300.0));
            last = loss.item<float>();
            if (step == 0) first = last;
        }

        Assert.True(last < 0.03 * first, $"{first} became {last}");
        Assert.Equal(1f, idle.min().item<float>());
    }
}
