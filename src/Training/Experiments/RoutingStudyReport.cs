using System.Globalization;
using System.Text;
using DenoiseService.Model;

namespace DenoiseService.Training.Experiments;

/// <summary>The study as tables, beside what the report says of six images.</summary>
internal static class RoutingStudyReport
{
    // First block, in %; of the expert with the most keys.
    private static readonly string[] ReportedLoads = ["34.5 ± 4.7", "37.1 ± 7.1", "28.3 ± 6.1"];
    private const string ReportedCorrelation = "−0.465 ± 0.139";

    public static void Write(RoutingStudyResult result, ExperimentFolder folder)
    {
        (string Name, string Caption)[] figures = RoutingFigures.Draw(result, folder);
        var tables = new List<ReportTable> { Load(result), Correlations(result), Coherence(result) };
        if (result.Blocks.Any(b => b.Between is not null)) tables.AddRange([Between(result), Variance(result)]);
        folder.Write("Routing", result.Record, Body(result), tables, result, figures);
        AtomicFile.Write(folder.File("images.csv"), Encoding.UTF8.GetBytes(EachImage(result).ToCsv()));
    }

    private static string Body(RoutingStudyResult result)
    {
        var text = new StringBuilder($"Network: {result.Model} (sha256 {result.ModelSha256[..12]}…); {result.Images} images, of which the first {result.Shown.Count} are shown. ± is the standard deviation over images. ");
        text.Append(CultureInfo.InvariantCulture, $"Only patches of {result.PatchSide} × {result.PatchSide} pixels that lie in the picture whole are counted. Tests are one-sided with {result.Permutations} permutations, so that no p is below {1.0 / (1 + result.Permutations):0.######}. Experts are numbered from 1, in the order of their budgets.\n\n");
        text.Append("- Correlation: over the patches of an image, between an expert's probability and the mean gradient magnitude (or brightness) of the patch, then over images. It is descriptive; neighbouring patches are not independent.\n");
        text.Append("- Coherence: the share of patches side by side or one above the other that choose the same expert, against the same choices in random order. A position embedding alone could make maps contiguous, so this does not show that routing follows the content.\n");
        text.Append(result.NotCompared is { } why
            ? $"- Between images: left out, because {why}.\n"
            : $"- Between images: the distance of two images' distributions at the same position{(result.Record.Sigmas is [> 0] ? ", against that of two noise draws of one image; p is of the hypothesis that a second draw may as well belong to another image" : "; without noise there is no second draw to compare it with")}. Shares of variance: what position alone, the image alone, and the image at a position (the rest, with noise) decide.\n");
        text.Append("- In pictures larger than a tile the maps are merged from overlapping tiles, which by itself makes neighbours alike: read coherence there with care.\n");
        if (result.Blocks is [var any, ..] && any.Experts.GroupBy(e => e.Keys).FirstOrDefault(same => same.Count() > 1) is { } alike)
        {
            text.Append(CultureInfo.InvariantCulture, $"- Experts {string.Join(" and ", alike.Select(e => e.Expert + 1))} all attend to {alike.Key} keys here: they cost the same, and no routing between them saves anything.\n");
        }

        text.Append("- Maps of the shown images as pictures: maps/; every image's numbers: images.csv.\n");
        if (!result.Record.Finished) text.Append("- A stopped study does not go on where it was: the same command starts from the first image.\n");
        return text.ToString();
    }

    private static ReportTable Load(RoutingStudyResult result)
    {
        var table = new ReportTable("Load", ["block", "expert", "keys", "load % (± over images)", "load %, shown images", "load %, the report's six images", "chosen %"]);
        foreach ((BlockSummary block, ExpertSummary e) in Experts(result))
        {
            table.Add(block.Block + 1, e.Expert + 1, e.Keys, Text(e.Load, "F1"), Text(e.ShownLoad, "F1"), block is { Block: 0, Experts.Count: 3 } ? ReportedLoads[e.Expert] : "", Text(e.Chosen, "F1"));
        }

        return table;
    }

    private static ReportTable Correlations(RoutingStudyResult result)
    {
        var table = new ReportTable("Correlation of an expert's probability", ["block", "expert", "edges, clean image", "negative % of images", "edges, shown images", "edges, the report's six images", "edges, noisy image", "brightness, clean image", "images where it exists"]);
        foreach ((BlockSummary block, ExpertSummary e) in Experts(result))
        {
            table.Add(
                block.Block + 1, e.Expert + 1, Text(e.Edges), Text(100 * e.Edges.Negative, "F1"), Text(e.ShownEdges), block is { Block: 0, Experts.Count: 3 } && e.Expert == 2 ? ReportedCorrelation : "",
                Text(e.NoisyEdges), Text(e.Brightness), e.Edges.Images);
        }

        return table;
    }

    private static ReportTable Coherence(RoutingStudyResult result)
    {
        var table = new ReportTable("Spatial coherence of the chosen experts", ["block", "entropy, 0 to 1", "neighbours alike %", "by chance %", "z, mean over images", "images with p < 0.05, %", "images with one expert everywhere", "p over all images"]);
        foreach (BlockSummary block in result.Blocks)
        {
            CoherenceSummary c = block.Coherence;
            table.Add(block.Block + 1, Text(block.Entropy, "F3"), Text(new MeanSd(100 * c.Share.Mean, 100 * c.Share.Sd), "F1"), Text(100 * c.NullMean, "F1"), Text(c.Z, "F2"), Text(100 * c.Significant, "F1"), c.OneExpert, Text(c.P, "0.####"));
        }

        return table;
    }

    private static ReportTable Between(RoutingStudyResult result)
    {
        var table = new ReportTable("Difference between images (total variation at the same position)", ["block", "two images", "two noise draws of one image", "ratio", "p"]);
        foreach (BlockSummary block in result.Blocks)
        {
            if (block.Between is { } b) table.Add(block.Block + 1, Text(b.BetweenImages, "F4"), Text(b.BetweenDraws, "F4"), Text(b.BetweenImages / b.BetweenDraws, "F2"), Text(b.P, "0.####"));
        }

        return table;
    }

    private static ReportTable Variance(RoutingStudyResult result)
    {
        var table = new ReportTable("What decides an expert's probability (shares of variance, %)", ["block", "expert", "position", "image", "rest", "noise, within the rest"]);
        foreach ((BlockSummary block, ExpertSummary e) in Experts(result))
        {
            if (block.Between?.Experts[e.Expert] is { } v) table.Add(block.Block + 1, e.Expert + 1, Text(100 * v.Position, "F1"), Text(100 * v.Image, "F1"), Text(100 * v.Rest, "F1"), Text(100 * v.Noise, "F1"));
        }

        return table;
    }

    private static ReportTable EachImage(RoutingStudyResult result)
    {
        var table = new ReportTable("", ["index", "name", "block", "expert", "load", "chosen", "edgeCorrelation", "noisyEdgeCorrelation", "brightnessCorrelation", "entropy", "alike", "alikeByChance", "z", "p"]);
        foreach (ImageObservation image in result.Observations)
        {
            for (int b = 0; b < image.Blocks.Count; b++)
            {
                BlockObservation o = image.Blocks[b];
                for (int e = 0; e < o.Load.Count; e++)
                {
                    table.Add(
                        image.Index, image.Name, b + 1, e + 1, Text(o.Load[e], "F3"), Text(o.Chosen[e], "F3"), Text(o.EdgeCorrelation[e], "F4"), Text(o.NoisyEdgeCorrelation[e], "F4"), Text(o.BrightnessCorrelation[e], "F4"),
                        Text(o.Entropy, "F4"), Text(o.Coherence.Share, "F4"), Text(o.Coherence.NullMean, "F4"), Text(o.Coherence.Z, "F3"), Text(o.Coherence.P, "0.######"));
                }
            }
        }

        return table;
    }

    private static IEnumerable<(BlockSummary Block, ExpertSummary Expert)> Experts(RoutingStudyResult result) => result.Blocks.SelectMany(b => b.Experts.Select(e => (b, e)));

    private static string Text(CorrelationSummary c) => Text(new MeanSd(c.Mean, c.Sd), "F3");

    private static string Text(MeanSd value, string format) => double.IsNaN(value.Mean) ? "" : $"{Text(value.Mean, format)} ± {Text(value.Sd, format)}";

    private static string Text(double value, string format) => double.IsFinite(value) ? value.ToString(format, CultureInfo.InvariantCulture) : "";
}
