using DenoiseService.Model;
using DenoiseService.Training.Data;

namespace DenoiseService.Training.Experiments;

/// <summary>What a routing study looks at.</summary>
public sealed record RoutingStudySettings
{
    /// <summary>Weights of a network with a learned router.</summary>
    public required string Checkpoint { get; init; }

    /// <summary>One CIFAR-10 folder, or picture files and folders of them.</summary>
    public required IReadOnlyList<string> Data { get; init; }

    /// <summary>Records, or places in the list of pictures; all if null.</summary>
    public IndexRange? Range { get; init; }

    /// <summary>Noise in units of 1, clamped, as an evaluation with the same seed adds it; above 0, to 1.</summary>
    public double Sigma { get; init; } = 0.2;

    /// <summary>Look at clean images instead.</summary>
    public bool Clean { get; init; }

    /// <summary>How many images, from the first, are shown as maps. ≥ 0.</summary>
    public int Shown { get; init; } = 6;

    /// <summary>Of every permutation test. 1 to 1,000,000.</summary>
    public int Permutations { get; init; } = 999;

    /// <summary>Of noise and permutations.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>Threads. ≥ 1.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary>This, if every number is in its range.</summary>
    /// <exception cref="RecipeException">Names the first one that is not.</exception>
    public RoutingStudySettings Validated()
    {
        Require(Clean || Sigma is > 0 and <= 1, nameof(Sigma), Sigma, "above 0, to 1; without noise the images are the clean ones");
        Require(Shown >= 0, nameof(Shown), Shown, "0 or more");
        Require(Permutations is >= 1 and <= 1_000_000, nameof(Permutations), Permutations, "1 to 1,000,000");
        Require(Threads is >= 1 and <= 1024, nameof(Threads), Threads, "1 to 1024");
        return this;

        static void Require(bool holds, string field, object value, string range)
        {
            if (!holds) throw new RecipeException(field, FormattableString.Invariant($"{field} is {value}; it must be {range}."));
        }
    }
}

/// <summary>Claim 3 of the report: routing follows the content. Looks at where a trained network sends its compute, and at what that could be by chance, by position or by noise alone.</summary>
public sealed class RoutingStudy(RoutingStudySettings settings, ExperimentFolder folder, TimeProvider time, IProgress<ExperimentProgress>? progress = null)
{
    // Purposes of seeds; an evaluation's noise takes 0 to 1,000,000.
    private const long SecondDraw = 2_000_000, Coherences = 2_000_001, Pairings = 2_000_002;

    /// <summary>Runs the network, counts, writes the report. On cancellation a report is written that says that it is unfinished; a new run starts from the first image.</summary>
    /// <exception cref="RecipeException">A setting is out of range, or the network has no router that chooses.</exception>
    /// <exception cref="DataSetException">A picture cannot be read, or is too small.</exception>
    /// <exception cref="CheckpointException">The weights cannot be read.</exception>
    public RoutingStudyResult Run(CancellationToken cancellationToken = default)
    {
        settings.Validated();
        using RoutingImages images = RoutingImages.Open(settings.Data, settings.Range);
        (Denoiser denoiser, CheckpointCard card) = Open();
        using (denoiser)
        {
            long started = time.GetTimestamp();
            var summary = new RoutingSummary(settings, card.Config, new RoutingDraws(card.Config, images.Count, !settings.Clean));
            var work = new Work(denoiser, card.Config, images, summary, new WorkMeter(images.Count, time, progress));
            bool finished = false;
            RoutingStudyResult Result() => summary.ToResult(Record(images, summary.Images, finished, started), card.Sha256, block => Seeds.Derive(settings.Seed, Pairings, block));
            try
            {
                for (int next = 0; next < images.Count; next += images.Group) Look(work, next, Math.Min(images.Group, images.Count - next), cancellationToken);
                finished = true;
            }
            finally
            {
                // The report is of what was seen until now; it says so where that is not all.
                if (!finished) RoutingStudyReport.Write(Result(), folder);
            }

            RoutingStudyResult result = Result();
            RoutingStudyReport.Write(result, folder);
            return result;
        }
    }

    private sealed record Work(Denoiser Denoiser, ModelConfig Config, RoutingImages Images, RoutingSummary Summary, WorkMeter Meter);

    private (Denoiser Denoiser, CheckpointCard Card) Open()
    {
        var (network, card) = Checkpoint.Load(settings.Checkpoint);
        try
        {
            RequireRouter(card.Config, settings.Checkpoint);
        }
        catch (RecipeException)
        {
            network.Dispose();
            throw;
        }

        return (new Denoiser(network, new DenoiserOptions { Overlap = Math.Min(new DenoiserOptions().Overlap, card.Config.TileSide / 2), Threads = settings.Threads }), card);
    }

    /// <exception cref="RecipeException">The network has no router that chooses.</exception>
    internal static void RequireRouter(ModelConfig config, string checkpoint)
    {
        string? why = config.Attention is not (AttentionKind.AdaptiveMixture or AttentionKind.SharedMixture) ? $"its attention is {config.Attention}, which has none"
            : config.Routing != RoutingKind.Learned ? $"its routing is {config.Routing}"
            : config.Experts < 2 ? "it has one expert" : null;
        if (why is not null) throw new RecipeException(nameof(RoutingStudySettings.Checkpoint), $"{Path.GetFileName(checkpoint)} has no learned router that chooses between experts: {why}.");
    }

    /// <summary>One group of images: both draws through the network, then everything that is counted on them.</summary>
    private void Look(Work work, int first, int count, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        int patch = work.Config.PatchSide, blocks = work.Config.Blocks;
        RoutingImage[] group = Enumerable.Range(first, count).Select(work.Images.Read).ToArray();
        if (group.FirstOrDefault(g => g.Height < 2 * patch || g.Width < 2 * patch) is { } small) throw new DataSetException($"{small.Name} has {small.Height} × {small.Width} pixels; a routing study needs at least 2 × 2 patches of {patch}.");
        float[][] noisy = group.Select(g => Noisy(g, settings.Seed)).ToArray();
        PatchRouting[][] maps = Route(work, group, noisy, cancellationToken);
        PatchRouting[][]? others = work.Summary.Draws.WantsSecond ? Route(work, group, group.Select(g => Noisy(g, Seeds.Derive(settings.Seed, SecondDraw, 0))).ToArray(), cancellationToken) : null;
        var contents = new PatchContent[count];
        var observed = new (BlockObservation Observation, double[] Nulls)[count * blocks];
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = settings.Threads, CancellationToken = cancellationToken };
        Parallel.For(0, count, parallel, i => contents[i] = PatchContent.Of(group[i], noisy[i], patch));
        Parallel.For(0, count * blocks, parallel, i => observed[i] = BlockObservation.Of(
            maps[i / blocks][i % blocks], contents[i / blocks], settings.Permutations, Seeds.Derive(settings.Seed, Coherences, (long)group[i / blocks].Index * blocks + i % blocks), cancellationToken));
        for (int i = 0; i < count; i++)
        {
            if (work.Summary.Images < settings.Shown)
            {
                work.Summary.Show(group[i], noisy[i], maps[i], contents[i]);
                RoutingMapPictures.Write(folder, group[i], maps[i], patch);
            }

            work.Summary.Add(group[i], maps[i], others?[i], observed.AsSpan(i * blocks, blocks));
        }

        work.Meter.Add(count, $"images: {work.Summary.Images} of {work.Images.Count}");
    }

    private float[] Noisy(RoutingImage image, long seed) => settings.Clean ? image.Clean : Noise.Add(image.Clean, settings.Sigma, clamp: true, Evaluation.NoiseSeed(seed, settings.Sigma, image.Index));

    private static PatchRouting[][] Route(Work work, RoutingImage[] group, float[][] inputs, CancellationToken cancellationToken)
    {
        // Strength 0 leaves the pixels as they are; the routing is the same.
        TiledPicture[] pictures = group.Select((g, i) => work.Denoiser.Tile((float[])inputs[i].Clone(), g.Height, g.Width, strength: 0, withRouting: true)).ToArray();
        work.Denoiser.Denoise(pictures, cancellationToken);
        return pictures.Select(p => p.Routing()).Select(map => Enumerable.Range(0, work.Config.Blocks).Select(b => PatchRouting.Of(map, b)).ToArray()).ToArray();
    }

    private ExperimentRecord Record(RoutingImages images, int seen, bool finished, long started) => new()
    {
        Experiment = "routing", Finished = finished, Data = images.Description + (finished ? "" : $", the first {seen} of {images.Count}"), DataSha256 = finished ? images.Sha256() : null,
        Noise = settings.Clean ? "none: the network sees the clean images" : "Gaussian, clamped to [0, 1]; seeded per image as in an evaluation", Channels = "edges and brightness over BT.601 luma",
        Seeds = [settings.Seed], Sigmas = settings.Clean ? [0] : [settings.Sigma], WrittenAt = time.GetUtcNow(), Hours = time.GetElapsedTime(started).TotalHours,
    };
}
