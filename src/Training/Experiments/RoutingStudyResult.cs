using System.Text.Json.Serialization;

namespace DenoiseService.Training.Experiments;

/// <summary>A correlation over images.</summary>
/// <param name="Mean">Over the images where it exists; NaN if there is none.</param>
/// <param name="Sd">Over them.</param>
/// <param name="Images">Where both sides vary.</param>
/// <param name="Negative">Share of them below 0.</param>
public sealed record CorrelationSummary(double Mean, double Sd, int Images, double Negative)
{
    internal static CorrelationSummary Of(IEnumerable<double> values)
    {
        double[] there = values.Where(double.IsFinite).ToArray();
        MeanSd over = there.Length == 0 ? new MeanSd(double.NaN, double.NaN) : MeanSd.Of(there);
        return new CorrelationSummary(over.Mean, over.Sd, there.Length, there.Length == 0 ? double.NaN : there.Count(v => v < 0) / (double)there.Length);
    }
}

/// <summary>One expert of one block; mean ± standard deviation over images.</summary>
/// <param name="Expert">From 0.</param>
/// <param name="Keys">How many it attends to.</param>
/// <param name="Load">Mean probability, in %.</param>
/// <param name="ShownLoad">The same of the shown images alone, as many as the report has.</param>
/// <param name="Chosen">Patches that chose it, in %.</param>
/// <param name="Edges">Correlation of its probability with the clean image's edges.</param>
/// <param name="ShownEdges">The same of the shown images alone.</param>
/// <param name="NoisyEdges">With the edges of the image that the network sees.</param>
/// <param name="Brightness">With the clean image's brightness.</param>
public sealed record ExpertSummary(int Expert, int Keys, MeanSd Load, MeanSd ShownLoad, MeanSd Chosen, CorrelationSummary Edges, CorrelationSummary ShownEdges, CorrelationSummary NoisyEdges, CorrelationSummary Brightness);

/// <summary>Spatial coherence over images.</summary>
/// <param name="Share">Of neighbouring patches with one expert, mean over images.</param>
/// <param name="NullMean">The same by chance.</param>
/// <param name="Z">Mean over the images where it exists.</param>
/// <param name="Significant">Share of images with p &lt; 0.05; an image with one expert everywhere has p = 1.</param>
/// <param name="OneExpert">Images with one expert everywhere, which no permutation can test.</param>
/// <param name="P">One-sided, of the mean share over all images against its own permutations.</param>
public sealed record CoherenceSummary(MeanSd Share, double NullMean, double Z, double Significant, int OneExpert, double P);

/// <summary>One block over all images.</summary>
/// <param name="Block">From 0.</param>
/// <param name="Entropy">Of the distributions, 0 decided, 1 undecided.</param>
/// <param name="Experts">In their order.</param>
/// <param name="Coherence">Of the chosen experts.</param>
/// <param name="Between">Null where images cannot be compared: <see cref="RoutingStudyResult.NotCompared"/>.</param>
public sealed record BlockSummary(int Block, MeanSd Entropy, IReadOnlyList<ExpertSummary> Experts, CoherenceSummary Coherence, ImageDifferences? Between);

/// <summary>The maps of one shown picture.</summary>
/// <param name="Index">Record, or place among the pictures.</param>
/// <param name="Name">For people.</param>
/// <param name="Rows">Whole patches down.</param>
/// <param name="Columns">Whole patches across.</param>
/// <param name="Edges">Of the clean picture, patch after patch; null in the JSON of a large picture, as the maps.</param>
/// <param name="Blocks">Of the network.</param>
public sealed record ShownRouting(int Index, string Name, int Rows, int Columns, IReadOnlyList<double>? Edges, IReadOnlyList<ShownBlock>? Blocks)
{
    /// <summary>What a figure shows; not part of the JSON.</summary>
    internal ShownFigure? Figure { get; init; }
}

/// <summary>One picture's data for figures, however large its maps.</summary>
/// <param name="Clean">Shrunk to a figure's size.</param>
/// <param name="Noisy">Likewise.</param>
/// <param name="Edges">Patch after patch.</param>
/// <param name="Blocks">Of the network.</param>
internal sealed record ShownFigure(Imaging.Picture Clean, Imaging.Picture Noisy, IReadOnlyList<double> Edges, IReadOnlyList<ShownBlock> Blocks);

/// <summary>The maps of one block.</summary>
/// <param name="Probabilities">For every expert, patch after patch, rounded to 4 decimals.</param>
/// <param name="Chosen">The most probable expert of every patch.</param>
public sealed record ShownBlock(IReadOnlyList<IReadOnlyList<float>> Probabilities, IReadOnlyList<int> Chosen);

/// <summary>A routing study.</summary>
/// <param name="Record">How it was made.</param>
/// <param name="Model">Name of the weights file.</param>
/// <param name="ModelSha256">Of the weights file.</param>
/// <param name="PatchSide">Pixels.</param>
/// <param name="Permutations">Of every test.</param>
/// <param name="Images">How many were looked at.</param>
/// <param name="Blocks">None before the first images are done.</param>
/// <param name="NotCompared">Why images are not compared with each other; null if they are.</param>
/// <param name="Shown">The first ones.</param>
/// <param name="Observations">Every image's own numbers.</param>
public sealed record RoutingStudyResult(
    ExperimentRecord Record, string Model, string ModelSha256, int PatchSide, int Permutations, int Images, IReadOnlyList<BlockSummary> Blocks, string? NotCompared, IReadOnlyList<ShownRouting> Shown,
    [property: JsonIgnore] IReadOnlyList<ImageObservation> Observations);
