using System.Globalization;
using DenoiseService.Model;
using DenoiseService.Training.Data;

namespace DenoiseService.Training.Experiments;

/// <summary>One network of the ablation.</summary>
/// <param name="Name">Its key: folder names and --variants use it.</param>
/// <param name="Label">What people read.</param>
/// <param name="Model">The network; everything else is the common recipe's.</param>
/// <param name="BalanceWeight">Instead of the recipe's.</param>
public sealed record AblationVariant(string Name, string Label, ModelConfig Model, double? BalanceWeight = null)
{
    /// <summary>The report's three, then what its reviewers would ask for.</summary>
    public static IReadOnlyList<AblationVariant> All { get; } = VariantsOf(new ModelConfig());

    /// <summary>The same questions asked of another network, which is the adaptive one among them.</summary>
    public static IReadOnlyList<AblationVariant> VariantsOf(ModelConfig adaptive)
    {
        int tokens = adaptive.WindowTokens;
        return
        [
            new("standard", "standard attention", adaptive with { Attention = AttentionKind.Standard }),
            new("non-adaptive", "non-adaptive sparse", adaptive with { Attention = AttentionKind.NonAdaptiveSparse }),
            new("adaptive", "adaptive sparse MoE", adaptive),
            new("uniform", "uniform mixing, no router", adaptive with { Routing = RoutingKind.Uniform }),
            new("random", "random routing by position", adaptive with { Routing = RoutingKind.Random }),
            new("all-keys", $"adaptive, every expert keeps all {tokens}", adaptive with { KeysKept = [.. adaptive.KeysKept.Select(_ => tokens)] }),
            new("wide-standard", "standard, widened to as many parameters", Widened(adaptive)),
            new("experts-2", "2 experts", adaptive with { KeysKept = Budgets(2, tokens) }),
            new("experts-4", "4 experts", adaptive with { KeysKept = Budgets(4, tokens) }),
            new("experts-8", "8 experts", adaptive with { KeysKept = Budgets(8, tokens) }),
            new("keys-halved", "budgets a half", adaptive with { KeysKept = Scaled(adaptive.KeysKept, 2) }),
            new("keys-eighth", "budgets an eighth", adaptive with { KeysKept = Scaled(adaptive.KeysKept, 8) }),
            new("balance-0", "no balance loss", adaptive, BalanceWeight: 0),
            // A clamp in training stops the gradient of every pixel that is predicted outside [0, 1]: how much of the differences is that?
            new("standard-free", "standard, not clamped in training", adaptive with { Attention = AttentionKind.Standard, ClampInTraining = false }),
            new("non-adaptive-free", "non-adaptive, not clamped in training", adaptive with { Attention = AttentionKind.NonAdaptiveSparse, ClampInTraining = false }),
            new("adaptive-free", "adaptive, not clamped in training", adaptive with { ClampInTraining = false }),
            new("uniform-free", "uniform mixing, not clamped in training", adaptive with { Routing = RoutingKind.Uniform, ClampInTraining = false }),
            new("wide-standard-free", "widened standard, not clamped in training", Widened(adaptive) with { ClampInTraining = false }),
        ];
    }

    /// <summary>Evenly spread up to all tokens: 2 of 64 are 32 and 64.</summary>
    private static int[] Budgets(int experts, int tokens) => Enumerable.Range(1, experts).Select(e => Math.Max(1, tokens * e / experts)).ToArray();

    private static int[] Scaled(IReadOnlyList<int> keys, int divisor) => keys.Select(k => Math.Max(1, k / divisor)).ToArray();

    /// <summary>Width and feed-forward width grow together, in steps of the heads, to the nearest number of parameters.</summary>
    private static ModelConfig Widened(ModelConfig adaptive)
    {
        double ratio = (double)adaptive.FeedForwardWidth / adaptive.Width;
        return Enumerable.Range(1, 8 * adaptive.Width / adaptive.Heads).Select(i => i * adaptive.Heads)
            .Select(width => adaptive with { Attention = AttentionKind.Standard, Width = width, FeedForwardWidth = Math.Max(1, (int)(width * ratio)) })
            .MinBy(c => Math.Abs(c.Parameters - adaptive.Parameters))!;
    }
}

/// <summary>What an ablation does.</summary>
public sealed record AblationSettings
{
    /// <summary>Images.</summary>
    public required ExperimentData Data { get; init; }

    /// <summary>How every network is trained; its model is the adaptive one.</summary>
    public Recipe Recipe { get; init; } = Recipe.Named["report"];

    /// <summary>Seeds of the trainings.</summary>
    public IReadOnlyList<long> Seeds { get; init; } = [1, 2, 3];

    /// <summary>Noise at which the test images are measured; null: the largest of the recipe.</summary>
    public IReadOnlyList<double>? Sigmas { get; init; }

    /// <summary>Names of variants; all if empty.</summary>
    public IReadOnlyList<string> Variants { get; init; } = [];

    /// <summary>Trainings side by side, one thread each.</summary>
    public int Workers { get; init; } = Environment.ProcessorCount;

    /// <summary>This, if every value is in its range; whether the images are there shows when it runs.</summary>
    /// <exception cref="RecipeException">Names the first field that is not.</exception>
    public AblationSettings Validated()
    {
        Data.Validated();
        Recipe.Validated();
        Chosen();
        TrainingMatrix.Check(Seeds, Sigmas ?? [Recipe.SigmaMax], Workers);
        return this;
    }

    internal IReadOnlyList<AblationVariant> Chosen()
    {
        IReadOnlyList<AblationVariant> all = AblationVariant.VariantsOf(Recipe.Model);
        string? unknown = Variants.Select(v => v ?? "null").FirstOrDefault(v => all.All(a => a.Name != v)); // JSON may hold null
        if (unknown is not null) throw new RecipeException(nameof(Variants), $"There is no variant '{unknown}': {string.Join(", ", all.Select(a => a.Name))}.");
        return Variants.Count == 0 ? all : all.Where(a => Variants.Contains(a.Name)).ToArray();
    }
}

/// <summary>One variant over all its seeds.</summary>
/// <param name="Name">Of the variant.</param>
/// <param name="Label">For people.</param>
/// <param name="Seeds">Trainings that are finished.</param>
/// <param name="Psnr">dB at the first σ: mean over seeds of the mean over images, with the standard deviation over images.</param>
/// <param name="PsnrSeedSd">Standard deviation (n − 1) of the seeds' means; NaN for one seed.</param>
/// <param name="Ssim">Likewise.</param>
/// <param name="Parameters">Trainable numbers.</param>
/// <param name="ReportFlops">By the report's formula.</param>
/// <param name="HonestFlops">Projections and scores included.</param>
/// <param name="Cost">Time and memory on this machine; null before everything is trained.</param>
/// <param name="Runs">Every training.</param>
public sealed record AblationRow(string Name, string Label, int Seeds, MeanSd Psnr, double PsnrSeedSd, MeanSd Ssim, long Parameters, double ReportFlops, double HonestFlops, ForwardCost? Cost, IReadOnlyList<TrainingResult> Runs);

/// <summary>An ablation.</summary>
/// <param name="Record">How it was made.</param>
/// <param name="NoisyPsnr">Of the input at the first σ.</param>
/// <param name="Rows">One a variant.</param>
public sealed record AblationResult(ExperimentRecord Record, double NoisyPsnr, IReadOnlyList<AblationRow> Rows);

/// <summary>Claims 1 and 2 of the report: which part of the network earns its place. Same data, recipe, noise and seeds for all.</summary>
public sealed class Ablation(AblationSettings settings, ExperimentFolder folder, TimeProvider time, IProgress<ExperimentProgress>? progress = null)
{
    /// <summary>Trains, measures, writes the report. On cancellation a report is written that says that it is unfinished.</summary>
    /// <exception cref="RecipeException">A setting is out of range, or the folder holds other work.</exception>
    public AblationResult Run(CancellationToken cancellationToken = default)
    {
        IReadOnlyList<AblationVariant> variants = settings.Chosen();
        IReadOnlyList<TrainingUnit> units = Units();
        IReadOnlyList<double> sigmas = settings.Sigmas ?? [settings.Recipe.SigmaMax];
        var matrix = new TrainingMatrix(settings.Data.Validated(), settings.Workers, time);
        bool finished = false;
        ForwardCost[]? costs = null;
        try
        {
            matrix.Run(units, progress, cancellationToken);
            progress?.Report(new ExperimentProgress("time and memory of the networks", 1, null));
            costs = ForwardCost.Measure(variants.Select(v => v.Model).ToArray(), cancellationToken);
            finished = true;
        }
        finally
        {
            // The report is of what is on disk, finished or not; a failure to write it must not hide why the run ended.
            if (finished || matrix.Finished(units).Count > 0) Write(Collect(matrix.Finished(units), variants, sigmas, costs, finished));
        }

        return Collect(matrix.Finished(units), variants, sigmas, costs, finished);
    }

    /// <summary>Its trainings: one seed of every variant before the next seed, so that an early stop leaves something to compare.</summary>
    internal IReadOnlyList<TrainingUnit> Units()
    {
        Recipe recipe = settings.Recipe.Validated();
        IReadOnlyList<AblationVariant> variants = settings.Chosen();
        return settings.Seeds.SelectMany(seed => variants.Select(v => new TrainingUnit(
            folder.File("runs", Key(v, seed)), recipe with { Model = v.Model, BalanceWeight = v.BalanceWeight ?? recipe.BalanceWeight, Seed = seed }, settings.Sigmas ?? [recipe.SigmaMax]))).ToArray();
    }

    private static string Key(AblationVariant variant, long seed) => $"{variant.Name}-seed{seed}";

    private AblationResult Collect(IReadOnlyList<TrainingResult> results, IReadOnlyList<AblationVariant> variants, IReadOnlyList<double> sigmas, ForwardCost[]? costs, bool finished)
    {
        var rows = new List<AblationRow>();
        for (int v = 0; v < variants.Count; v++)
        {
            AblationVariant variant = variants[v];
            TrainingResult[] runs = settings.Seeds.Select(seed => results.FirstOrDefault(r => r.Key == Key(variant, seed))).OfType<TrainingResult>().ToArray();
            if (runs.Length == 0) continue;
            EvaluationRow[] atFirst = runs.Select(r => r.Rows[0]).ToArray();
            rows.Add(new AblationRow(
                variant.Name, variant.Label, runs.Length, Pooled(atFirst, r => r.Psnr), Statistics.SampleSd(atFirst.Select(r => r.Psnr.Mean).ToArray()), Pooled(atFirst, r => r.Ssim),
                variant.Model.Parameters, Flops.ByReport(variant.Model), Flops.Honest(variant.Model), costs?[v], runs));
        }

        PatchSet test = settings.Data.TestSet();
        var record = new ExperimentRecord
        {
            Experiment = "ablation", Finished = finished, Data = settings.Data.Description,
            DataSha256 = test.Sha256(), Seeds = settings.Seeds, Sigmas = sigmas, WrittenAt = time.GetUtcNow(), Hours = TrainingMatrix.Hours(Units(), settings.Workers),
        };
        return new AblationResult(record, results[0].Rows[0].NoisyPsnr.Mean, rows);

        static MeanSd Pooled(EvaluationRow[] rows, Func<EvaluationRow, MeanSd> of) => new(rows.Average(r => of(r).Mean), rows.Average(r => of(r).Sd));
    }

    private void Write(AblationResult result)
    {
        var table = new ReportTable($"Test images at σ = {Text(result.Record.Sigmas[0], "0.###")}", ["network", "seeds", "PSNR dB (± over images)", "± over seeds", "to adaptive, dB", "SSIM (± over images)", "parameters", "MFLOP, report's formula", "MFLOP, honest", "ms, 1 image", "ms an image, 64 at once", "peak MiB, 64 at once"]);
        AblationRow? adaptive = result.Rows.FirstOrDefault(r => r.Name == "adaptive");
        foreach (AblationRow row in result.Rows)
        {
            table.Add(
                row.Label, row.Seeds, $"{Text(row.Psnr.Mean, "F2")} ± {Text(row.Psnr.Sd, "F2")}", Text(double.IsNaN(row.PsnrSeedSd) ? null : row.PsnrSeedSd, "F3"), adaptive is null ? "" : Text(row.Psnr.Mean - adaptive.Psnr.Mean, "+0.00;−0.00;0"),
                $"{Text(row.Ssim.Mean, "F4")} ± {Text(row.Ssim.Sd, "F4")}", row.Parameters, Text(row.ReportFlops / 1e6, "F2"), Text(row.HonestFlops / 1e6, "F1"),
                Text(row.Cost?.SingleMs, "F2"), Text(row.Cost?.BatchedMs, "F3"), Text(row.Cost?.PeakMiB, "F0"));
        }

        string body = $"Noisy input: {Text(result.NoisyPsnr, "F2")} dB. Recipe: {settings.Recipe.Epochs:0.##} epochs in batches of {settings.Recipe.BatchSize}, {settings.Recipe.Optimiser} at {Text(settings.Recipe.LearningRate, "R")}; the epoch that is best on the validation images is measured. " +
            "Every network sees the same images in the same order with the same noise for a seed, and the same test noise. Times and memory: our fast form, all networks in turns, medians.";
        AblationFigure.Draw(result, folder);
        folder.Write("Ablation", result.Record, body, [table], result, ("ablation", "PSNR of the networks; bars: standard deviation over seeds"));
    }

    private static string Text(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "";
}
