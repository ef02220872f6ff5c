using DenoiseService.Imaging;
using DenoiseService.Model;

namespace DenoiseService.Training.Experiments;

/// <summary>One block's routing of one picture, whole patches only.</summary>
/// <param name="Rows">Whole patches down.</param>
/// <param name="Columns">Whole patches across.</param>
/// <param name="Probabilities">(rows, columns, E).</param>
internal sealed record PatchRouting(int Rows, int Columns, float[] Probabilities)
{
    public int Patches => Rows * Columns;

    public int Experts => Probabilities.Length / Patches;

    /// <summary>Leaves out the patches that stick out.</summary>
    public static PatchRouting Of(RoutingMap map, int block)
    {
        int rows = Enumerable.Range(0, map.Rows).Count(r => map.ChosenExpert(block, r, 0) != RoutingMap.Padded);
        int columns = Enumerable.Range(0, map.Columns).Count(c => map.ChosenExpert(block, 0, c) != RoutingMap.Padded);
        var probabilities = new float[rows * columns * map.Experts];
        for (int i = 0; i < rows * columns; i++) map.At(block, i / columns, i % columns).CopyTo(probabilities.AsSpan(i * map.Experts));
        return new PatchRouting(rows, columns, probabilities);
    }

    /// <summary>One expert's probability, patch after patch.</summary>
    public double[] Of(int expert) => Enumerable.Range(0, Patches).Select(i => (double)Probabilities[i * Experts + expert]).ToArray();

    /// <summary>The most probable expert of every patch.</summary>
    public int[] Chosen()
    {
        var chosen = new int[Patches];
        for (int i = 0; i < Patches; i++)
        {
            ReadOnlySpan<float> p = Probabilities.AsSpan(i * Experts, Experts);
            for (int e = 1; e < Experts; e++)
            {
                if (p[e] > p[chosen[i]]) chosen[i] = e;
            }
        }

        return chosen;
    }

    /// <summary>Of the distributions, over its largest possible value, mean over patches: 0 decided, 1 undecided.</summary>
    public double Entropy() => Probabilities.Sum(p => p > 0 ? -p * Math.Log(p) : 0) / Patches / Math.Log(Experts);
}

/// <summary>What routing may follow: the edges and the brightness of every whole patch.</summary>
/// <param name="Edges">Gradient magnitude of the grey clean picture, mean over the patch.</param>
/// <param name="NoisyEdges">Of what the network sees.</param>
/// <param name="Brightness">Grey of the clean picture, mean over the patch.</param>
internal sealed record PatchContent(double[] Edges, double[] NoisyEdges, double[] Brightness)
{
    public static PatchContent Of(RoutingImage image, float[] noisy, int patchSide) => new(
        EdgesOf(image.ToPicture(image.Clean), patchSide), EdgesOf(image.ToPicture(noisy), patchSide), MeansOf(Metrics.Luma(image.Clean, image.Height * image.Width), image.Height, image.Width, patchSide));

    private static double[] EdgesOf(Picture picture, int patchSide)
    {
        int rows = picture.Height / patchSide, columns = picture.Width / patchSide;
        EdgeMap edges = EdgeMap.Of(picture, patchSide);
        return Enumerable.Range(0, rows * columns).Select(i => (double)edges.At(i / columns, i % columns)).ToArray();
    }

    private static double[] MeansOf(float[] grey, int height, int width, int patchSide)
    {
        int rows = height / patchSide, columns = width / patchSide;
        var means = new double[rows * columns];
        for (int y = 0; y < rows * patchSide; y++)
        {
            for (int x = 0; x < columns * patchSide; x++) means[y / patchSide * columns + x / patchSide] += grey[y * width + x] / (patchSide * patchSide);
        }

        return means;
    }
}

/// <summary>The numbers of one block on one picture.</summary>
/// <param name="Load">For every expert: mean probability over the patches, in %.</param>
/// <param name="Chosen">For every expert: patches that chose it, in %.</param>
/// <param name="Entropy">0 to 1.</param>
/// <param name="EdgeCorrelation">For every expert, over the patches, with the clean picture's edges; NaN where either does not vary.</param>
/// <param name="NoisyEdgeCorrelation">With the edges of what the network sees.</param>
/// <param name="BrightnessCorrelation">With the clean picture's brightness.</param>
/// <param name="Coherence">Of the chosen experts.</param>
public sealed record BlockObservation(
    IReadOnlyList<double> Load, IReadOnlyList<double> Chosen, double Entropy, IReadOnlyList<double> EdgeCorrelation, IReadOnlyList<double> NoisyEdgeCorrelation, IReadOnlyList<double> BrightnessCorrelation, Coherence Coherence)
{
    internal static (BlockObservation Observation, double[] Nulls) Of(PatchRouting routing, PatchContent content, int permutations, long seed, CancellationToken cancellationToken)
    {
        int[] chosen = routing.Chosen();
        double[][] probabilities = Enumerable.Range(0, routing.Experts).Select(routing.Of).ToArray();
        (double share, double[] nulls) = JoinCount.Permute(chosen, routing.Rows, routing.Columns, permutations, seed, cancellationToken);
        var observation = new BlockObservation(
            probabilities.Select(p => 100 * p.Average()).ToArray(), probabilities.Select((_, e) => 100.0 * chosen.Count(c => c == e) / chosen.Length).ToArray(), routing.Entropy(),
            With(content.Edges), With(content.NoisyEdges), With(content.Brightness), Coherence.Of(share, nulls));
        return (observation, nulls);

        double[] With(double[] what) => probabilities.Select(p => Statistics.Correlation(p, what)).ToArray();
    }
}

/// <summary>The numbers of one picture.</summary>
/// <param name="Index">Record, or place among the pictures.</param>
/// <param name="Name">For people.</param>
/// <param name="Rows">Whole patches down.</param>
/// <param name="Columns">Whole patches across.</param>
/// <param name="Blocks">Of the network.</param>
public sealed record ImageObservation(int Index, string Name, int Rows, int Columns, IReadOnlyList<BlockObservation> Blocks);
