using System.Globalization;
using DenoiseService.Model;
using DenoiseService.Model.Winograd;
using DenoiseService.Training.Experiments;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace DenoiseService.Bench;

/// <summary>
/// The pair of 3×3 convolutions of 64 channels that most of denoise-small's time goes to: the library's in float32 and bfloat16, channels-last, and our own.
/// One thread; a tile as the engine cuts it, and half a batch as one replica trains on it.
/// </summary>
internal static class ConvolutionBench
{
    private const int Channels = 64, Repeats = 21, Calls = 5;

    public static int Run(TextWriter output)
    {
        if (!WinogradPair.Serves(Channels)) throw new NotSupportedException("This processor has no AVX2 with FMA: the library's convolutions run.");
        Heap.KeepFreed();
        set_num_threads(1);
        output.WriteLine("| images | library, float32, ns a pixel | library, bfloat16 | own, float32 | times as fast as float32 | as bfloat16 |");
        output.WriteLine("| --- | --- | --- | --- | --- | --- |");
        foreach ((string name, int images, int side, bool backward) in new[] { ("1 × 128², forward", 1, 128, false), ("1 × 64², forward", 1, 64, false), ("8 × 32², forward and backward", 8, 32, true) })
        {
            double[] ns = Measure(images, side, backward);
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | {ns[0]:F0} | {ns[1]:F0} | {ns[2]:F0} | {ns[0] / ns[2]:F1} × | {ns[1] / ns[2]:F1} × |"));
        }

        return 0;
    }

    private static double[] Measure(int images, int side, bool backward)
    {
        using var scope = NewDisposeScope();
        random.manual_seed(1);
        Tensor x = randn(images, side, side, Channels).permute(0, 3, 1, 2).requires_grad_(backward), rounded = x.detach().to(ScalarType.BFloat16).requires_grad_(backward);
        Tensor[] weights = [.. new[] { randn(Channels, Channels, 3, 3) * 0.05, randn(Channels), randn(Channels, Channels, 3, 3) * 0.05, randn(Channels) }.Select(w => w.detach().requires_grad_(backward))];
        Tensor[] roundedWeights = [.. weights.Select(w => w.detach().to(ScalarType.BFloat16).requires_grad_(backward))];
        using WinogradConvolution first = new(weights[0], weights[1]), second = new(weights[2], weights[3]); // as the engine keeps them
        double[] seconds = Rounds.Medians(
            Repeats,
            [
                () => Several(() => Library(x, weights)),
                () => Several(() => Library(rounded, roundedWeights)),
                () => Several(() => backward ? WinogradPair.Of(x, weights[0], weights[1], weights[2], weights[3]) : WinogradPair.WithoutGradients(x, first, second, overwrite: false)),
            ]);
        return [.. seconds.Select(s => 1e9 * s / Calls / ((double)images * side * side))];

        void Several(Func<Tensor> form)
        {
            for (int i = 0; i < Calls; i++)
            {
                using var inner = NewDisposeScope();
                Tensor result = form();
                if (backward) result.backward([result.detach()]);
            }
        }

        static Tensor Library(Tensor x, Tensor[] w) =>
            x.add(functional.conv2d(functional.relu(functional.conv2d(x, w[0], w[1], padding: [1, 1])), w[2], w[3], padding: [1, 1]));
    }
}
