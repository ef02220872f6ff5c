using DenoiseService.Model;
using static TorchSharp.torch;

namespace DenoiseService.Training.Experiments;

/// <summary>What a forward pass of a network costs on this machine.</summary>
/// <param name="SingleMs">One tile, median.</param>
/// <param name="BatchedMs">A tile of a batch of 64, median.</param>
/// <param name="PeakMiB">How much more memory the process holds at most during that batch than before it.</param>
public sealed record ForwardCost(double SingleMs, double BatchedMs, double PeakMiB)
{
    private const int Batch = 64, Rounds = 9;

    /// <summary>Times all networks in turns with libtorch's threads, so that a busy machine slows all alike.</summary>
    internal static ForwardCost[] Measure(IReadOnlyList<ModelConfig> configs, CancellationToken cancellationToken)
    {
        SmallViT[] networks = configs.Select(c => SmallViT.WithSeed(c, 1)).ToArray();
        try
        {
            foreach (SmallViT network in networks) network.eval();
            double[] single = Times(1), batched = Times(Batch);
            double[] peaks = networks.Select(n => PeakMemory.ExtraMiB(() => Forward(n, Batch))).ToArray();
            return networks.Select((_, i) => new ForwardCost(1e3 * single[i], 1e3 * batched[i] / Batch, peaks[i])).ToArray();

            double[] Times(int batch) => Experiments.Rounds.Medians(Rounds, networks.Select(n => (Action)(() => Forward(n, batch))).ToArray(), cancellationToken);
        }
        finally
        {
            foreach (SmallViT network in networks) network.Dispose();
        }
    }

    private static void Forward(SmallViT network, int batch)
    {
        using var inference = inference_mode();
        using var scope = NewDisposeScope();
        using var generator = new Generator(1, CPU);
        network.call(rand([batch, 3, network.Config.TileSide, network.Config.TileSide], generator: generator));
    }
}
