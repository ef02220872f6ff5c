using DenoiseService.Model.Winograd;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace DenoiseService.Model.Tests;

/// <summary>The own form of a pair of convolutions against the library's.</summary>
public sealed class WinogradPairTests
{
    private const int Channels = MinimalFiltering.Channels;

    [SkippableTheory]
    [InlineData(1, 4, 4)]
    [InlineData(1, 8, 12)] // all squares but none at the border
    [InlineData(2, 20, 4)]
    [InlineData(3, 16, 24)] // several rounds, the last one not full
    [InlineData(1, 64, 64)]
    public void Results_and_gradients_are_the_librarys(int images, int height, int width)
    {
        Skip.IfNot(WinogradPair.Serves(Channels), "This processor has no 512-bit vectors, so the library's convolutions run.");
        using var scope = NewDisposeScope();
        using var generator = new Generator(7, CPU);
        Tensor[] expected = Inputs(generator, images, height, width), actual = [.. expected.Select(t => t.detach().clone().requires_grad_(true))];
        Tensor weights = randn([images, Channels, height, width], generator: generator); // of the result in what the gradient is of

        Tensor wanted = expected[0].Plus(functional.conv2d(functional.relu(functional.conv2d(expected[0], expected[1], expected[2], padding: [1, 1])), expected[3], expected[4], padding: [1, 1]));
        Tensor got = WinogradPair.Of(actual[0], actual[1], actual[2], actual[3], actual[4]);
        AssertClose(wanted, got, "result");
        wanted.mul(weights).sum().backward();
        got.mul(weights).sum().backward();
        for (int i = 0; i < expected.Length; i++) AssertClose(expected[i].grad!, actual[i].grad!, $"gradient {i}");
        using (no_grad()) AssertClose(wanted, WinogradPair.Of(actual[0], actual[1], actual[2], actual[3], actual[4]), "result without gradients");
    }

    [SkippableFact]
    public void Threads_do_not_disturb_each_other()
    {
        Skip.IfNot(WinogradPair.Serves(Channels), "This processor has no 512-bit vectors, so the library's convolutions run.");
        using var scope = NewDisposeScope();
        using var generator = new Generator(8, CPU);
        Tensor[] inputs = Inputs(generator, 2, 24, 16);
        float[][] once = Run();
        Parallel.For(0, 40, _ => Assert.Equal(once, Run()));

        float[][] Run()
        {
            using var inner = NewDisposeScope();
            Tensor[] own = [.. inputs.Select(t => t.detach().clone().requires_grad_(true))];
            Tensor result = WinogradPair.Of(own[0], own[1], own[2], own[3], own[4]);
            result.sum().backward();
            return [Networks.Read(result.detach()), .. own.Select(t => Networks.Read(t.grad!))];
        }
    }

    [Fact]
    public void A_stem_of_the_shipped_shape_takes_it_and_others_do_not()
    {
        using var scope = NewDisposeScope();
        Tensor x = zeros(1, Channels, 8, 8), weight = zeros(Channels, Channels, 3, 3);
        Assert.Equal(WinogradPair.Serves(Channels), WinogradPair.Covers(x, weight));
        Assert.False(WinogradPair.Covers(zeros(1, Channels, 6, 8), weight));
        Assert.False(WinogradPair.Covers(x.to(ScalarType.BFloat16), weight));
        Assert.False(WinogradPair.Serves(48));
    }

    private static Tensor[] Inputs(Generator generator, int images, int height, int width) =>
    [
        .. new[]
        {
            randn([images, height, width, Channels], generator: generator).permute(0, 3, 1, 2), // channels-last
            randn([Channels, Channels, 3, 3], generator: generator) * 0.05, randn([Channels], generator: generator),
            randn([Channels, Channels, 3, 3], generator: generator) * 0.05, randn([Channels], generator: generator),
        }.Select(t => t.detach().requires_grad_(true)),
    ];

    private static void AssertClose(Tensor expected, Tensor actual, string what)
    {
        Assert.Equal(expected.shape, actual.shape);
        double error = (expected.detach() - actual.detach()).abs().max().item<float>(), scale = expected.detach().abs().max().item<float>();
        Assert.True(scale > 0 && error < 2e-5 * scale, $"{what}: off by {error} of {scale}");
    }
}
