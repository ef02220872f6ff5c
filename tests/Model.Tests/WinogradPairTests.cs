using DenoiseService.Model.Winograd;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace DenoiseService.Model.Tests;

/// <summary>The own form of a pair of convolutions against the library's.</summary>
[Trait("Uses", "Vectors")]
public sealed class WinogradPairTests
{
    private const int Channels = MinimalFiltering.Channels;
    private const string WithoutVectors = "This processor has no AVX2 with FMA, so the library's convolutions run.";

    [SkippableTheory]
    [InlineData(1, 4, 4)]
    [InlineData(1, 8, 12)] // all squares but none at the border
    [InlineData(2, 20, 4)]
    [InlineData(3, 16, 24)] // several rounds, the last one not full
    [InlineData(1, 64, 64)]
    public void Results_and_gradients_are_the_librarys(int images, int height, int width)
    {
        Skip.IfNot(WinogradPair.Serves(Channels), WithoutVectors);
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

    [SkippableTheory]
    [InlineData(1, 1, 1)]
    [InlineData(2, 6, 10)] // the last squares are half beyond the border
    [InlineData(1, 33, 66)]
    [InlineData(3, 7, 4)]
    public void Without_gradients_sides_need_not_be_whole_squares(int images, int height, int width)
    {
        Skip.IfNot(WinogradPair.Serves(Channels), WithoutVectors);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var generator = new Generator(11, CPU);
        Tensor[] inputs = Inputs(generator, images, height, width);
        Tensor expected = inputs[0].Plus(functional.conv2d(functional.relu(functional.conv2d(inputs[0], inputs[1], inputs[2], padding: [1, 1])), inputs[3], inputs[4], padding: [1, 1]));
        using WinogradConvolution first = new(inputs[1], inputs[2]), second = new(inputs[3], inputs[4]);
        AssertClose(expected, WinogradPair.WithoutGradients(inputs[0].clone(), first, second, overwrite: false), "beside x");
        AssertClose(expected, WinogradPair.WithoutGradients(inputs[0], first, second, overwrite: true), "over x");
    }

    [SkippableTheory]
    [InlineData(16, 64, 1, 20, 12)] // the shipped network's first convolution
    [InlineData(64, 12, 2, 22, 36)] // its last one
    [InlineData(16, 16, 1, 9, 9)]
    [InlineData(64, 64, 1, 8, 6)]
    [InlineData(16, 3, 1, 4, 40)]
    public void Other_numbers_of_channels_give_what_the_library_gives(int channelsIn, int channelsOut, int images, int height, int width)
    {
        Skip.IfNot(WinogradPair.Serves(Channels), WithoutVectors);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var generator = new Generator(12, CPU);
        Tensor x = randn([images, height, width, channelsIn], generator: generator).permute(0, 3, 1, 2), weight = randn([channelsOut, channelsIn, 3, 3], generator: generator).Times(0.05), bias = randn([channelsOut], generator: generator);
        Assert.True(WinogradConvolution.Serves(weight));
        using var own = new WinogradConvolution(weight, bias);
        Tensor result = own.Run(x);
        AssertClose(functional.conv2d(x, weight, bias, padding: [1, 1]), result.narrow(1, 0, channelsOut), "result");
        Assert.Equal((channelsOut + 15) / 16 * 16, result.shape[1]);
        Assert.Equal(0, result.narrow(1, channelsOut, result.shape[1] - channelsOut).abs().sum().item<float>());
    }

    [Fact]
    public void Other_filters_are_left_to_the_library()
    {
        using var scope = NewDisposeScope();
        Assert.False(WinogradConvolution.Serves(zeros(64, 12, 3, 3)));
        Assert.False(WinogradConvolution.Serves(zeros(48, 64, 3, 3)));
        Assert.False(WinogradConvolution.Serves(zeros(64, 64, 1, 1)));
        Assert.False(WinogradConvolution.Serves(zeros(64, 64, 3, 3, dtype: ScalarType.BFloat16)));
    }

    [SkippableTheory]
    [InlineData(ScalarType.Float32, 2e-5, false)]
    [InlineData(ScalarType.Float32, 2e-5, true)]
    [InlineData(ScalarType.BFloat16, 2e-2, false)] // 8 bits after each of the two convolutions
    [InlineData(ScalarType.BFloat16, 2e-2, true)]
    public void Prepared_filters_give_the_same_in_the_numbers_of_the_features(ScalarType numbers, double tolerance, bool overwrite)
    {
        Skip.IfNot(WinogradPair.Serves(Channels), WithoutVectors);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var generator = new Generator(9, CPU);
        Tensor[] inputs = Inputs(generator, 2, 20, 12);
        Tensor x = inputs[0].to(numbers), expected = WinogradPair.Of(x.to(ScalarType.Float32), inputs[1], inputs[2], inputs[3], inputs[4]);
        using WinogradConvolution first = new(inputs[1], inputs[2]), second = new(inputs[3], inputs[4]);
        Tensor result = WinogradPair.WithoutGradients(x, first, second, overwrite);
        Assert.Equal(numbers, result.dtype);
        AssertClose(expected, result.to(ScalarType.Float32), "result", tolerance);
        if (overwrite) Assert.Equal(Networks.Read(result.to(ScalarType.Float32)), Networks.Read(x.to(ScalarType.Float32)));
    }

    [SkippableFact]
    public void Bfloat16_is_rounded_as_the_library_rounds_it()
    {
        Skip.IfNot(WinogradPair.Serves(Channels), WithoutVectors);
        using var scope = NewDisposeScope();
        using var generator = new Generator(10, CPU);
        // Filters of zero: what is added last, and rounded, is x itself and the bias.
        Tensor x = randn([1, 4, 4, Channels], generator: generator).permute(0, 3, 1, 2).to(ScalarType.BFloat16), bias = randn([Channels], generator: generator), none = zeros(Channels, Channels, 3, 3);
        using WinogradConvolution first = new(none, zeros(Channels)), second = new(none, bias);
        Tensor expected = x.to(ScalarType.Float32).Plus(bias.reshape(1, -1, 1, 1)).to(ScalarType.BFloat16).to(ScalarType.Float32);
        Assert.Equal(Networks.Read(expected), Networks.Read(WinogradPair.WithoutGradients(x, first, second, overwrite: false).to(ScalarType.Float32)));
    }

    [SkippableFact]
    public void Threads_do_not_disturb_each_other()
    {
        Skip.IfNot(WinogradPair.Serves(Channels), WithoutVectors);
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
        Assert.Equal(WinogradPair.Serves(Channels), WinogradPair.Covers(x.to(ScalarType.BFloat16), weight));
        Assert.False(WinogradPair.Covers(x, weight.to(ScalarType.BFloat16)));
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

    private static void AssertClose(Tensor expected, Tensor actual, string what, double tolerance = 2e-5)
    {
        Assert.Equal(expected.shape, actual.shape);
        double error = (expected.detach() - actual.detach()).abs().max().item<float>(), scale = expected.detach().abs().max().item<float>();
        Assert.True(scale > 0 && error < tolerance * scale, $"{what}: off by {error} of {scale}");
    }
}
