using System.Globalization;

namespace DenoiseService.Training.Experiments;

/// <summary>What a robustness experiment does.</summary>
public sealed record RobustnessSettings
{
    /// <summary>Images.</summary>
    public required ExperimentData Data { get; init; }

    /// <summary>How both networks are trained, but for σ.</summary>
    public Recipe Recipe { get; init; } = Recipe.Named["released-robustness"];

    /// <summary>The one level of the fixed network.</summary>
    public double FixedSigma { get; init; } = 0.2;

    /// <summary>Least level of the variable network, which draws uniformly for each image.</summary>
    public double VariableMin { get; init; } = 0.1;

    /// <summary>Its most.</summary>
    public double VariableMax { get; init; } = 0.3;

    /// <summary>Levels of the test.</summary>
    public IReadOnlyList<double> Sigmas { get; init; } = [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35];

    /// <summary>Seeds of the trainings.</summary>
    public IReadOnlyList<long> Seeds { get; init; } = [1, 2, 3];

    /// <summary>Trainings side by side, one thread each.</summary>
    public int Workers { get; init; } = Environment.ProcessorCount;

    /// <summary>This, if every value is in its range; whether the images are there shows when it runs.</summary>
    /// <exception cref="RecipeException">Names the first field that is not.</exception>
    public RobustnessSettings Validated()
    {
        Data.Validated();
        Recipe.Validated();
        TrainingMatrix.Check(Seeds, Sigmas, Workers);
        Require(FixedSigma is > 0 and <= 1, nameof(FixedSigma), FixedSigma, "above 0, up to 1");
        Require(VariableMin is > 0 and <= 1, nameof(VariableMin), VariableMin, "above 0, up to 1");
        Require(VariableMax >= VariableMin && VariableMax <= 1, nameof(VariableMax), VariableMax, FormattableString.Invariant($"VariableMin ({VariableMin}) to 1"));
        return this;

        static void Require(bool holds, string field, double value, string range)
        {
            if (!holds) throw new RecipeException(field, FormattableString.Invariant($"{field} is {value}; it must be {range}."));
        }
    }
}

/// <summary>One network, or one rival without training, over the levels.</summary>
/// <param name="Name">For people.</param>
/// <param name="Psnr">dB at each level: mean over seeds of the mean over images, and standard deviation over images.</param>
/// <param name="SeedSd">Standard deviation (n − 1) of the seeds' means at each level; NaN where there is one, or nothing is trained.</param>
/// <param name="Ssim">Mean at each level.</param>
public sealed record RobustnessSeries(string Name, IReadOnlyList<MeanSd> Psnr, IReadOnlyList<double> SeedSd, IReadOnlyList<double> Ssim);

/// <summary>A robustness experiment.</summary>
/// <param name="Record">How it was made.</param>
/// <param name="Fixed">Trained at one level; null before any such training is finished.</param>
/// <param name="Variable">Trained at levels between two.</param>
/// <param name="Noisy">The input itself.</param>
/// <param name="Classical">Filters without training, where they were measured on the same images.</param>
/// <param name="Runs">Every training.</param>
public sealed record RobustnessResult(ExperimentRecord Record, RobustnessSeries? Fixed, RobustnessSeries? Variable, RobustnessSeries Noisy, IReadOnlyList<RobustnessSeries> Classical, IReadOnlyList<TrainingResult> Runs)
{
    internal IEnumerable<RobustnessSeries> Series => new[] { Noisy, Fixed, Variable }.OfType<RobustnessSeries>().Concat(Classical);
}

/// <summary>Claim 5 of the report: whether training at many noise levels generalises better than at one.</summary>
public sealed class Robustness(RobustnessSettings settings, ExperimentFolder folder, TimeProvider time, IProgress<ExperimentProgress>? progress = null)
{
    internal const string FixedName = "fixed", VariableName = "variable";

    /// <summary>Trains, measures, writes the report. On cancellation a report is written that says that it is unfinished.</summary>
    /// <exception cref="RecipeException">A setting is out of range, or the folder holds other work.</exception>
    public RobustnessResult Run(CancellationToken cancellationToken = default)
    {
        IReadOnlyList<TrainingUnit> units = Units();
        var matrix = new TrainingMatrix(settings.Data.Validated(), settings.Workers, time);
        bool finished = false;
        try
        {
            matrix.Run(units, progress, cancellationToken);
            finished = true;
        }
        finally
        {
            if (finished || matrix.Finished(units).Count > 0) Write(Collect(matrix.Finished(units), finished));
        }

        return Collect(matrix.Finished(units), finished);
    }

    /// <summary>Its trainings, both networks of a seed together.</summary>
    internal IReadOnlyList<TrainingUnit> Units()
    {
        Recipe at = (settings.Recipe with { SigmaMin = settings.FixedSigma, SigmaMax = settings.FixedSigma, ValidationSigmas = [settings.FixedSigma] }).Validated();
        Recipe between = (settings.Recipe with { SigmaMin = settings.VariableMin, SigmaMax = settings.VariableMax, ValidationSigmas = [settings.VariableMin, (settings.VariableMin + settings.VariableMax) / 2, settings.VariableMax] }).Validated();
        return settings.Seeds.SelectMany(seed => new[] { Unit(FixedName, at, seed), Unit(VariableName, between, seed) }).ToArray();

        TrainingUnit Unit(string name, Recipe recipe, long seed) => new(folder.File("runs", $"{name}-seed{seed}"), recipe with { Seed = seed }, settings.Sigmas);
    }

    private RobustnessResult Collect(IReadOnlyList<TrainingResult> runs, bool finished)
    {
        string sha256 = settings.Data.TestSet().Sha256();
        var record = new ExperimentRecord
        {
            Experiment = "robustness", Finished = finished, Data = settings.Data.Description,
            DataSha256 = sha256, Seeds = settings.Seeds, Sigmas = settings.Sigmas, WrittenAt = time.GetUtcNow(), Hours = TrainingMatrix.Hours(Units(), settings.Workers),
        };
        IReadOnlyList<EvaluationRow> any = runs[0].Rows;
        var noisy = new RobustnessSeries("noisy input", any.Select(r => r.NoisyPsnr).ToArray(), any.Select(_ => double.NaN).ToArray(), any.Select(r => r.NoisySsim.Mean).ToArray());
        return new RobustnessResult(
            record, Over($"fixed σ = {Text(settings.FixedSigma, "0.##")}", FixedName), Over($"variable σ {Text(settings.VariableMin, "0.##")}–{Text(settings.VariableMax, "0.##")}", VariableName), noisy,
            ClassicalFilters.On(sha256, clamped: true, settings.Sigmas), runs);

        RobustnessSeries? Over(string name, string kind)
        {
            TrainingResult[] of = runs.Where(r => r.Key.StartsWith(kind, StringComparison.Ordinal)).ToArray();
            if (of.Length == 0) return null;
            int[] levels = Enumerable.Range(0, settings.Sigmas.Count).ToArray();
            return new RobustnessSeries(
                name, levels.Select(l => new MeanSd(of.Average(r => r.Rows[l].Psnr.Mean), of.Average(r => r.Rows[l].Psnr.Sd))).ToArray(),
                levels.Select(l => Statistics.SampleSd(of.Select(r => r.Rows[l].Psnr.Mean).ToArray())).ToArray(), levels.Select(l => of.Average(r => r.Rows[l].Ssim.Mean)).ToArray());
        }
    }

    private void Write(RobustnessResult result)
    {
        RobustnessSeries[] series = result.Series.ToArray();
        var psnr = new ReportTable("PSNR, dB (± over images)", ["σ", .. series.Select(s => s.Name)]);
        var ssim = new ReportTable("SSIM", ["σ", .. series.Select(s => s.Name)]);
        var seeds = new ReportTable("Standard deviation of the PSNR over seeds, dB", ["σ", .. series.Where(s => !s.SeedSd.All(double.IsNaN)).Select(s => s.Name)]);
        for (int l = 0; l < settings.Sigmas.Count; l++)
        {
            string sigma = Text(settings.Sigmas[l], "0.###");
            psnr.Add([sigma, .. series.Select(s => double.IsNaN(s.Psnr[l].Mean) ? "" : double.IsNaN(s.Psnr[l].Sd) ? Text(s.Psnr[l].Mean, "F2") : $"{Text(s.Psnr[l].Mean, "F2")} ± {Text(s.Psnr[l].Sd, "F2")}")]);
            ssim.Add([sigma, .. series.Select(s => double.IsNaN(s.Ssim[l]) ? "" : Text(s.Ssim[l], "F4"))]);
            seeds.Add([sigma, .. series.Where(s => !s.SeedSd.All(double.IsNaN)).Select(s => Text(s.SeedSd[l], "F3"))]);
        }

        string body = $"Recipe: {Text(settings.Recipe.Epochs, "0.##")} epochs in batches of {settings.Recipe.BatchSize}, {settings.Recipe.Optimiser} at {Text(settings.Recipe.LearningRate, "R")}; the two networks differ in σ alone. " +
            (result.Classical.Count > 0 ? ClassicalFilters.Source : "No classical filters were measured on these test images, so there is no floor beside them.");
        folder.Write("Robustness over noise levels", result.Record, body, [psnr, ssim, seeds], result, RobustnessFigure.Draw(result, folder));
    }

    private static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
