using System.Globalization;
using DenoiseService.Model;
using DenoiseService.Training.Experiments.Figures;

namespace DenoiseService.Training.Experiments;

/// <summary>What a reproduction does.</summary>
public sealed record ReproductionSettings
{
    /// <summary>Images of everything that is trained.</summary>
    public required ExperimentData Data { get; init; }

    /// <summary>Seeds of the ablation and of robustness; the main model takes the first.</summary>
    public IReadOnlyList<long> Seeds { get; init; } = [1, 2, 3];

    /// <summary>How the main model is trained, its length aside.</summary>
    public Recipe MainRecipe { get; init; } = Recipe.Named["released"];

    /// <summary>Noisy images that the main model sees; 1.2 million are the released recipe's 30 epochs of 40,000.</summary>
    public long MainSamples { get; init; } = 1_200_000;

    /// <summary>Weights that were trained before, instead of training the main model here.</summary>
    public string? MainCheckpoint { get; init; }

    /// <summary>How the networks of the ablation are trained.</summary>
    public Recipe AblationRecipe { get; init; } = Recipe.Named["report"];

    /// <summary>How the two networks of robustness are trained.</summary>
    public Recipe RobustnessRecipe { get; init; } = Recipe.Named["released-robustness"];

    /// <summary>The scaling experiment.</summary>
    public ScalingSettings Scaling { get; init; } = new();

    /// <summary>Permutations of the routing study's tests.</summary>
    public int Permutations { get; init; } = 999;

    /// <summary>Trainings side by side, one thread each.</summary>
    public int Workers { get; init; } = Environment.ProcessorCount;
}

/// <summary>A reproduction; null where an experiment is not finished.</summary>
/// <param name="Record">How it was made.</param>
/// <param name="Claims">The verdicts.</param>
/// <param name="Main">The main model at the seven noise levels.</param>
public sealed record ReproductionResult(ExperimentRecord Record, IReadOnlyList<Claim> Claims, IReadOnlyList<EvaluationRow>? Main);

/// <summary>The whole report on one machine: every experiment in a folder of its own, then one page with a verdict on each claim.</summary>
public sealed class Reproduction(ReproductionSettings settings, ExperimentFolder folder, TimeProvider time, IProgress<ExperimentProgress>? progress = null)
{
    private static readonly IReadOnlyList<double> Sigmas = [0.2, 0.05, 0.1, 0.15, 0.25, 0.3, 0.35]; // the claim's own level first

    private IReadOnlyList<EvaluationRow>? _main;
    private AblationResult? _ablation;
    private RobustnessResult? _robustness;
    private RoutingStudyResult? _routing;
    private ScalingResult? _scaling;

    /// <summary>Runs what is not finished in the folder yet. On cancellation the page is written with what there is, and says that it is unfinished.</summary>
    /// <exception cref="RecipeException">A setting is out of range, or the folder holds other work.</exception>
    public ReproductionResult Run(CancellationToken cancellationToken = default)
    {
        var ablation = new Ablation(new AblationSettings { Data = settings.Data, Recipe = settings.AblationRecipe, Seeds = settings.Seeds, Workers = settings.Workers }, In("ablation"), time, progress);
        var robustness = new Robustness(new RobustnessSettings { Data = settings.Data, Recipe = settings.RobustnessRecipe, Seeds = settings.Seeds, Workers = settings.Workers }, In("robustness"), time, progress);
        int steps = (int)Math.Max(1, settings.MainSamples / settings.MainRecipe.BatchSize);
        var main = new TrainingUnit(folder.File("main", "runs", "main"), settings.MainRecipe with { Steps = steps, Seed = settings.Seeds[0] }, Sigmas);
        if (settings.MainCheckpoint is not null) CheckMain(settings.MainCheckpoint);
        // The long training first, everything else beside it: no core waits for the last one.
        TrainingUnit[] units = [.. settings.MainCheckpoint is null ? [main] : Array.Empty<TrainingUnit>(), .. ablation.Units(), .. robustness.Units()];
        (bool finished, bool refused) = (false, false);
        try
        {
            var matrix = new TrainingMatrix(settings.Data.Validated(), settings.Workers, time);
            matrix.Run(units, progress, cancellationToken);
            _main = settings.MainCheckpoint is null ? matrix.Finished([main])[0].Rows : Evaluate(settings.MainCheckpoint, cancellationToken);
            _ablation = ablation.Run(cancellationToken);
            _robustness = robustness.Run(cancellationToken);
            _routing = new RoutingStudy(
                new RoutingStudySettings { Checkpoint = settings.MainCheckpoint ?? main.Weights, Data = [settings.Data.Path], Range = Data.IndexRange.Parse(settings.Data.Test), Permutations = settings.Permutations, Threads = settings.Workers },
                In("routing"), time, progress).Run(cancellationToken);
            _scaling = new Scaling(settings.Scaling, In("scaling"), time, progress).Run(cancellationToken);
            finished = true;
        }
        catch (RecipeException)
        {
            refused = true; // what is in the folder belongs to other settings and stays
            throw;
        }
        finally
        {
            if (!refused) Write(Result(finished, steps, units));
        }

        return Result(finished, steps, units);
    }

    /// <summary>Before hours of trainings, not after them.</summary>
    /// <exception cref="CheckpointException">It cannot be read.</exception>
    /// <exception cref="RecipeException">It has no routing to study.</exception>
    private static void CheckMain(string checkpoint)
    {
        var (network, _) = Checkpoint.Load(checkpoint);
        using (network) RoutingStudy.RequireRouter(network.Config, checkpoint);
    }

    private ExperimentFolder In(string name) => new(folder.File(name));

    private IReadOnlyList<EvaluationRow> Evaluate(string checkpoint, CancellationToken cancellationToken)
    {
        progress?.Report(new ExperimentProgress("the main model on the test images", 1, null));
        var (network, _) = Checkpoint.Load(checkpoint);
        using var denoiser = new Denoiser(network);
        return Evaluation.Run(denoiser, new EvaluationProtocol(settings.Data.Path, Data.IndexRange.Parse(settings.Data.Test), Sigmas, Clamp: true, RoundTo8Bit: false, TrainingMatrix.NoiseSeed), time, cancellationToken: cancellationToken).Rows;
    }

    private ReproductionResult Result(bool finished, int steps, TrainingUnit[] units)
    {
        var record = new ExperimentRecord
        {
            Experiment = "reproduction", Finished = finished, Data = settings.Data.Description,
            DataSha256 = settings.Data.TestSet().Sha256(), Seeds = settings.Seeds, Sigmas = [.. Sigmas.Order()], WrittenAt = time.GetUtcNow(),
            Hours = TrainingMatrix.Hours(units, settings.Workers) + (_routing?.Record.Hours ?? 0) + (_scaling?.Record.Hours ?? 0),
        };
        string how = settings.MainCheckpoint is { } trained ? $"with the weights of {Path.GetFileName(trained)}, which were trained before"
            : FormattableString.Invariant($"after {(long)steps * settings.MainRecipe.BatchSize / 1e6:0.##} million noisy images drawn from CIFAR-10 records {settings.Data.Train}");
        Claim[] claims =
        [
            Claims.MainModel(_main?[0], how), Claims.Routing(_ablation), Claims.Sparsity(_ablation), Claims.Adaptation(_routing), Claims.Scale(_scaling), Claims.Generalisation(_robustness),
        ];
        return new ReproductionResult(record, claims, _main);
    }

    private void Write(ReproductionResult result)
    {
        var verdicts = new ReportTable("Verdicts", ["claim", "the report", "here", "verdict", "why"]);
        foreach (Claim claim in result.Claims) verdicts.Add(claim.Name, claim.Claimed, claim.Measured, Text(claim.Verdict), claim.Why);
        var tables = new List<ReportTable> { verdicts };
        if (result.Main is not null)
        {
            var main = new ReportTable("The main model over noise levels it was not trained at", ["σ", "noisy input dB", "PSNR dB", "SSIM"]);
            foreach (EvaluationRow row in result.Main.OrderBy(r => r.Sigma)) main.Add(Text(row.Sigma, "0.##"), Text(row.NoisyPsnr.Mean, "F2"), $"{Text(row.Psnr.Mean, "F2")} ± {Text(row.Psnr.Sd, "F2")}", Text(row.Ssim.Mean, "F4"));
            tables.Add(main);
        }

        folder.Write(
            "The report's five claims, measured", result.Record,
            "Each experiment has its own report: [ablation](ablation/report.md), [robustness](robustness/report.md), [routing](routing/report.md), [scaling](scaling/report.md). The rules of the verdicts are fixed in the code (Claims.cs).",
            tables, result, Figures());
    }

    /// <summary>The report's six figures with our data.</summary>
    private (string Name, string Caption)[] Figures()
    {
        var drawn = new List<(string, string)>();
        if (_ablation is { } ablation && _robustness is { } robustness && _routing is { Blocks.Count: > 0 } routing && _scaling is { } scaling)
        {
            FigureFile.Save(
                new GridPanel(2, [AblationFigure.Panel(ablation), RobustnessFigure.Panel(robustness), ScalingFigure.WallClock(scaling), RoutingFigures.Summary(routing)]) { Title = "The five claims, measured" }, folder, "overview", 2000, 1500);
            drawn.Add(("overview", "Ablation, robustness, wall clock over the image side, routing"));
        }

        if (_ablation is not null) drawn.Add(("ablation/ablation", "PSNR and SSIM of the networks; bars: standard deviation over seeds"));
        if (_robustness is not null) drawn.Add(("robustness/robustness", "PSNR over the noise level"));
        if (_scaling is not null) drawn.Add(("scaling/scaling", "FLOPs, seconds and memory over the image side"));
        if (_routing is { Blocks.Count: > 0 }) drawn.AddRange([("routing/routing-block1", "Routing of the first block"), ("routing/routing-summary", "Load and correlation with edges")]);
        return [.. drawn];
    }

    private static string Text(Verdict verdict) => verdict switch
    {
        Verdict.Reproduced => "reproduced",
        Verdict.Partly => "partly",
        Verdict.NotReproduced => "not reproduced",
        _ => "not testable here",
    };

    private static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
