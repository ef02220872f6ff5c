using System.Globalization;
using DenoiseService.Imaging;
using DenoiseService.Model;
using DenoiseService.Training.Experiments;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace DenoiseService.Bench;

/// <summary>
/// Seconds per megapixel of the engine beside FFDNet's colour network (Zhang et al. 2018): 12 convolutions of 3×3, 96 channels at half resolution, random
/// weights, for time does not depend on them. Both float32, all cores, the same picture, in turns.
/// </summary>
internal static class RivalBench
{
    private const int Side = 1024, Layers = 12, Channels = 96, Repeats = 7;

    public static int Run(TextWriter output, string[] arguments)
    {
        if (arguments.Length != 1) throw new ArgumentException("rival CHECKPOINT");
        set_num_threads(Environment.ProcessorCount); // of FFDNet's convolutions; the engine's threads take one each
        using var denoiser = new Denoiser(Checkpoint.Load(arguments[0]).Network);
        using var rounded = new Denoiser(Checkpoint.Load(arguments[0]).Network, new DenoiserOptions { Precision = Precision.BFloat16 });
        using var scope = NewDisposeScope();
        Sequential ffdnet = Ffdnet();
        Picture picture = TestPicture.Noisy(Side, Side);
        var held = new float[picture.Samples.Length];
        Tensor image = tensor(picture.Samples).reshape(1, 3, Side, Side);
        double megapixels = Side * (double)Side / 1e6;
        double[] seconds = Rounds.Medians(Repeats, [() => Convolve(ffdnet, image), () => Denoise(denoiser), () => Denoise(rounded)]);
        output.WriteLine("| network | parameters | s per megapixel | times as fast |");
        output.WriteLine("| --- | --- | --- | --- |");
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| FFDNet's convolutions | {ffdnet.parameters().Sum(p => p.numel())} | {seconds[0] / megapixels:F2} | 1 |"));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| engine, {Path.GetFileNameWithoutExtension(arguments[0])} | {denoiser.Config.Parameters} | {seconds[1] / megapixels:F2} | {seconds[0] / seconds[1]:F1} |"));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| the same in bfloat16 | {denoiser.Config.Parameters} | {seconds[2] / megapixels:F2} | {seconds[0] / seconds[2]:F1} |"));
        return 0;

        void Denoise(Denoiser engine)
        {
            picture.Samples.CopyTo(held, 0); // it denoises in place
            engine.Denoise(held, Side, Side);
        }
    }

    /// <summary>Four pixels of three colours and the noise level become, with one map of the noise level, 13 channels at half the side; 12 come out.</summary>
    private static Sequential Ffdnet()
    {
        var layers = new List<Module<Tensor, Tensor>> { Conv2d(13, Channels, 3, padding: 1), ReLU() };
        for (int l = 0; l < Layers - 2; l++) layers.AddRange([Conv2d(Channels, Channels, 3, padding: 1), ReLU()]);
        layers.Add(Conv2d(Channels, 12, 3, padding: 1));
        return Sequential(layers);
    }

    private static void Convolve(Sequential ffdnet, Tensor image)
    {
        using var inference = inference_mode();
        using var scope = NewDisposeScope();
        Tensor level = full(1, 1, Side / 2, Side / 2, 25f / 255);
        functional.pixel_shuffle(ffdnet.call(cat([functional.pixel_unshuffle(image, 2), level], 1)), 2);
    }
}
