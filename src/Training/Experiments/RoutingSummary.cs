using DenoiseService.Model;

namespace DenoiseService.Training.Experiments;

/// <summary>Gathers what was seen image by image, and sums it up.</summary>
internal sealed class RoutingSummary
{
    // Larger maps are looked at as pictures; as JSON they would be tens of megabytes.
    private const int MaxPatchesInJson = 4096;

    private readonly RoutingStudySettings _settings;
    private readonly ModelConfig _config;
    private readonly List<ImageObservation> _observations = [];
    private readonly List<ShownRouting> _shown = [];
    private readonly double[][] _nulls; // for every block: every permutation's share, summed over the images

    public RoutingSummary(RoutingStudySettings settings, ModelConfig config, RoutingDraws draws)
    {
        (_settings, _config, Draws) = (settings, config, draws);
        _nulls = Enumerable.Range(0, config.Blocks).Select(_ => new double[settings.Permutations]).ToArray();
    }

    public RoutingDraws Draws { get; }

    public int Images => _observations.Count;

    public void Add(RoutingImage image, PatchRouting[] maps, PatchRouting[]? others, ReadOnlySpan<(BlockObservation Observation, double[] Nulls)> observed)
    {
        var blocks = new BlockObservation[observed.Length];
        for (int block = 0; block < observed.Length; block++)
        {
            blocks[block] = observed[block].Observation;
            for (int i = 0; i < _settings.Permutations; i++) _nulls[block][i] += observed[block].Nulls[i];
        }

        _observations.Add(new ImageObservation(image.Index, image.Name, maps[0].Rows, maps[0].Columns, blocks));
        Draws.Add(maps, others);
    }

    public void Show(RoutingImage image, float[] noisy, PatchRouting[] maps, PatchContent content)
    {
        bool small = maps[0].Patches <= MaxPatchesInJson;
        ShownBlock[] blocks = maps.Select(map => new ShownBlock(
            Enumerable.Range(0, map.Experts).Select(e => map.Of(e).Select(p => MathF.Round((float)p, 4)).ToArray()).ToArray(), map.Chosen())).ToArray();
        _shown.Add(new ShownRouting(image.Index, image.Name, maps[0].Rows, maps[0].Columns, small ? content.Edges : null, small ? blocks : null)
        {
            Figure = new ShownFigure(RoutingMapPictures.Shrunk(image.ToPicture(image.Clean)), RoutingMapPictures.Shrunk(image.ToPicture(noisy)), content.Edges, blocks),
        });
    }

    public RoutingStudyResult ToResult(ExperimentRecord record, string sha256, Func<int, long> pairingSeed) => new(
        record, Path.GetFileName(_settings.Checkpoint), sha256, _config.PatchSide, _settings.Permutations, Images,
        Images == 0 ? [] : Enumerable.Range(0, _config.Blocks).Select(b => Block(b, pairingSeed(b))).ToArray(), Draws.WhyNot, _shown, _observations);

    private BlockSummary Block(int block, long pairingSeed)
    {
        BlockObservation[] all = _observations.Select(o => o.Blocks[block]).ToArray(), shown = all[.._shown.Count];
        return new BlockSummary(
            block, MeanSd.Of(all.Select(o => o.Entropy).ToArray()), Enumerable.Range(0, _config.Experts).Select(Expert).ToArray(), Coherent(all, _nulls[block]),
            Draws.Compare(block, _config.Experts, _settings.Permutations, pairingSeed));

        ExpertSummary Expert(int e) => new(
            e, _config.KeysAttended[e], MeanSd.Of(all.Select(o => o.Load[e]).ToArray()), shown.Length == 0 ? new MeanSd(double.NaN, double.NaN) : MeanSd.Of(shown.Select(o => o.Load[e]).ToArray()),
            MeanSd.Of(all.Select(o => o.Chosen[e]).ToArray()), CorrelationSummary.Of(all.Select(o => o.EdgeCorrelation[e])), CorrelationSummary.Of(shown.Select(o => o.EdgeCorrelation[e])),
            CorrelationSummary.Of(all.Select(o => o.NoisyEdgeCorrelation[e])), CorrelationSummary.Of(all.Select(o => o.BrightnessCorrelation[e])));
    }

    private static CoherenceSummary Coherent(BlockObservation[] all, double[] nullSums)
    {
        Coherence[] each = all.Select(o => o.Coherence).ToArray();
        double[] z = each.Select(c => c.Z).Where(double.IsFinite).ToArray();
        Coherence together = Coherence.Of(each.Average(c => c.Share), nullSums.Select(sum => sum / each.Length).ToArray());
        return new CoherenceSummary(
            MeanSd.Of(each.Select(c => c.Share).ToArray()), together.NullMean, z.Length == 0 ? double.NaN : z.Average(),
            each.Count(c => c.P < 0.05) / (double)each.Length, all.Count(o => o.Chosen.Any(share => share >= 100)), together.P);
    }
}
