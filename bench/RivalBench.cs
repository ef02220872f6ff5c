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
/// weights, for time does not depend on them. Float32, all cores, the same picture, in turns. FFDNet runs on the whole picture, as it is usually run, and in tiles: its
/// features of a whole picture are blocks of 100 MB, which are fetched from the system page by page in every layer, and on some machines that takes longer than the convolutions.
/// </summary>
internal static class RivalBench
{
    private const int Side = 1024, RivalTile = 256, Layers = 12, Channels = 96, Repeats = 7;

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
        double[] seconds = Rounds.Medians(Repeats, [() => Convolve(ffdnet, image, Side), () => Convolve(ffdnet, image, RivalTile), () => Denoise(denoiser), () => Denoise(rounded)]);
        output.WriteLine("| network | parameters | s per megapixel | times as fast as FFDNet | as FFDNet in tiles |");
        output.WriteLine("| --- | --- | --- | --- | --- |");
        string[] names = ["FFDNet's convolutions", $"the same in tiles of {RivalTile}, no overlap", $"engine, {Path.GetFileNameWithoutExtension(arguments[0])}", "the same in bfloat16"];
        long[] parameters = [ffdnet.parameters().Sum(p => p.numel()), ffdnet.parameters().Sum(p => p.numel()), denoiser.Config.Parameters, denoiser.Config.Parameters];
        for (int n = 0; n < names.Length; n++) output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {names[n]} | {parameters[n]} | {seconds[n] / megapixels:F2} | {seconds[0] / seconds[n]:F1} | {seconds[1] / seconds[n]:F1} |"));
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
        var layers = new List<Module<Tensor, Tensor>> { Conv2d(13, Channels, 3, padding: 1), ReLU(inplace: true) };
        for (int l = 0; l < Layers - 2; l++) layers.AddRange([Conv2d(Channels, Channels, 3, padding: 1), ReLU(inplace: true)]);
        layers.Add(Conv2d(Channels, 12, 3, padding: 1));
        return Sequential(layers);
    }

    private static void Convolve(Sequential ffdnet, Tensor image, int tile)
    {
        using var inference = inference_mode();
        using var outer = NewDisposeScope();
        Tensor level = full(1, 1, tile / 2, tile / 2, 25f / 255);
        for (int y = 0; y < Side; y += tile)
        {
            for (int x = 0; x < Side; x += tile)
            {
                using var scope = NewDisposeScope();
                Tensor squares = functional.pixel_unshuffle(image.narrow(2, y, tile).narrow(3, x, tile), 2);
                functional.pixel_shuffle(ffdnet.call(cat([squares, level], 1)), 2);
            }
        }
    }
}
