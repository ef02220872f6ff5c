using System.Globalization;
using DenoiseService.Model;
using DenoiseService.Model.Attention;
using DenoiseService.Training;
using DenoiseService.Training.Experiments;
using static TorchSharp.torch;

namespace DenoiseService.Bench;

/// <summary>A whole training step (forward, backward, optimiser) of 64 images of 32×32 through the report's network, in its forms.</summary>
internal static class TrainingBench
{
    private const int Batch = 64, Repeats = 9;

    public static int Run(TextWriter output)
    {
        set_num_threads(Environment.ProcessorCount);
        random.manual_seed(1);
        using var scope = NewDisposeScope();
        Tensor clean = rand(Batch, 3, 32, 32), noisy = rand(Batch, 3, 32, 32), sigma = zeros(Batch);
        using SmallViT directNetwork = new(new ModelConfig(), TopK.Direct), fastNetwork = new(new ModelConfig()), sharedNetwork = new(new ModelConfig());
        using DataParallel direct = new(directNetwork, 1), fast = new(fastNetwork, 1), shared = new(sharedNetwork, Environment.ProcessorCount);
        Adam directAdam = new(directNetwork.parameters(), 0), fastAdam = new(fastNetwork.parameters(), 0), sharedAdam = new(sharedNetwork.parameters(), 0);

        double[] seconds = Rounds.Medians(Repeats, [() => Step(direct, directAdam), () => Step(fast, fastAdam), () => Step(shared, sharedAdam)]);
        output.WriteLine("| form | ms a step of 64 | times as fast as direct |");
        output.WriteLine("| --- | --- | --- |");
        string[] names = ["direct (top-k, gather)", "fast (own selection, fused attention)", $"fast, {Environment.ProcessorCount} replicas of one thread"];
        for (int i = 0; i < names.Length; i++) output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {names[i]} | {1e3 * seconds[i]:F0} | {seconds[0] / seconds[i]:F1} × |"));
        return 0;

        void Step(DataParallel network, Adam adam)
        {
            adam.ZeroGradients();
            network.Backward(noisy, clean, sigma, (image, target, _, _) => (image - target).square().mean());
            adam.Step(0, 1e-3);
        }
    }
}
