using System.Globalization;
using DenoiseService.Model;
using DenoiseService.Model.Attention;
using DenoiseService.Training.Experiments;
using static TorchSharp.torch;

namespace DenoiseService.Bench;

/// <summary>Images per second of the report's network at 32×32, in its direct form, in the fast form of training, and through the engine.</summary>
internal static class InferenceBench
{
    private static readonly int[] Batches = [1, 16, 64, 256];

    public static int Run(TextWriter output)
    {
        set_num_threads(Environment.ProcessorCount);
        random.manual_seed(1);
        var config = new ModelConfig();
        using var direct = new SmallViT(config, TopK.Direct);
        using var fast = new SmallViT(config);
        fast.load_state_dict(direct.state_dict());
        direct.eval();
        fast.eval();
        using var denoiser = new Denoiser(Copy(direct), new DenoiserOptions());

        double flops = Flops.Honest(config with { KeysKept = [.. config.KeysKept.Select(_ => config.Tokens)] }), // the engine multiplies all weights with all values, kept or not
             matmul = MatmulRate(2048, 2048, 2048), projection = MatmulRate(16 * config.Tokens, config.Width, 9 * config.Width);
        output.WriteLine(Line($"Network: {flops / 1e6:F1} MFLOP an image (multiply and add counted as two). libtorch's fp32 matrix products: {matmul / 1e9:F0} GFLOP/s at 2048³, {projection / 1e9:F0} GFLOP/s at the network's own [{16 * config.Tokens} × {config.Width} → {9 * config.Width}]."));
        output.WriteLine(Line($"If nothing but matrix products at the first rate took time: {matmul / flops:F0} images/s."));
        output.WriteLine();
        output.WriteLine("| batch | direct, images/s | fast, images/s | engine, images/s | fast : direct | engine : direct | engine of the limit |");
        output.WriteLine("| --- | --- | --- | --- | --- | --- | --- |");
        foreach (int batch in Batches)
        {
            using Tensor images = rand(batch, 3, 32, 32);
            float[] pixels = images.data<float>().ToArray();
            double[] seconds = Rounds.Medians(
                batch <= 16 ? 15 : 7,
                [() => Forward(direct, images), () => Forward(fast, images), () => Engine(denoiser, pixels, batch)]);
            double[] rates = seconds.Select(s => batch / s).ToArray();
            output.WriteLine(Line($"| {batch} | {rates[0]:F0} | {rates[1]:F0} | {rates[2]:F0} | {rates[1] / rates[0]:F1} × | {rates[2] / rates[0]:F1} × | {rates[2] * flops / matmul:P0} |"));
        }

        return 0;
    }

    private static void Forward(SmallViT network, Tensor images)
    {
        using var inference = inference_mode();
        using var scope = NewDisposeScope();
        network.call(images);
    }

    /// <summary>What a request costs beyond the network is in this number: tiles are copied in, blended and copied out.</summary>
    private static void Engine(Denoiser denoiser, float[] pixels, int batch)
    {
        int floats = pixels.Length / batch;
        denoiser.Denoise(Enumerable.Range(0, batch).Select(i => denoiser.Tile(pixels.AsSpan(i * floats, floats).ToArray(), 32, 32)).ToArray());
    }

    private static SmallViT Copy(SmallViT network)
    {
        var copy = new SmallViT(network.Config);
        copy.load_state_dict(network.state_dict());
        copy.eval();
        return copy;
    }

    private static double MatmulRate(int rows, int inner, int columns)
    {
        using Tensor a = rand(rows, inner), b = rand(columns, inner);
        double seconds = Rounds.Medians(21, [() => nn.functional.linear(a, b).Dispose()])[0];
        return 2.0 * rows * inner * columns / seconds;
    }

    private static string Line(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
