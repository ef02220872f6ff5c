using System.Text.Json;
using DenoiseService.Model;
using DenoiseService.Training.Data;
using static TorchSharp.torch;

namespace DenoiseService.Training.Experiments;

/// <summary>One training of an experiment.</summary>
/// <param name="Folder">Where its state, weights and result are.</param>
/// <param name="Recipe">What is trained.</param>
/// <param name="Sigmas">Noise levels at which it is measured.</param>
internal sealed record TrainingUnit(string Folder, Recipe Recipe, IReadOnlyList<double> Sigmas)
{
    /// <summary>Name of its folder.</summary>
    public string Key => Path.GetFileName(Folder);

    /// <summary>Its weights.</summary>
    public string Weights => Path.Combine(Folder, "best.safetensors");

    /// <summary>Its <see cref="TrainingResult"/>, once there is one.</summary>
    public string Result => Path.Combine(Folder, "result.json");

    /// <summary>How long it has taken, for <see cref="UnitClock"/>.</summary>
    public string Seconds => Path.Combine(Folder, UnitClock.FileName);
}

/// <summary>What came out of one training.</summary>
/// <param name="Key">Name of its folder.</param>
/// <param name="Seed">Of the training.</param>
/// <param name="Parameters">Trainable numbers.</param>
/// <param name="Steps">Steps trained.</param>
/// <param name="TrainingSeconds">Wall clock of the training over all sessions, on one thread, other trainings beside it.</param>
/// <param name="Rows">The test set at every σ.</param>
public sealed record TrainingResult(string Key, long Seed, long Parameters, long Steps, double TrainingSeconds, IReadOnlyList<EvaluationRow> Rows);

/// <summary>
/// Trains many networks side by side, each on one thread of its own, and measures each on the same test images with the same noise. What is finished
/// is kept in its folder; a training that was interrupted goes on where it was.
/// </summary>
internal sealed class TrainingMatrix(ExperimentData data, int workers, TimeProvider time)
{
    /// <summary>Of the noise on the test images, the same for all.</summary>
    public const long NoiseSeed = 1;

    private readonly Lazy<string> _pixels = new(() => string.Concat(new[] { data.Train, data.Validation, data.Test }.Select(range => CifarArchive.Read(data.Path, IndexRange.Parse(range)).Sha256()[..16])));

    /// <summary>What every experiment of trainings asks of its settings.</summary>
    /// <exception cref="RecipeException">Names the field that is out of range.</exception>
    public static void Check(IReadOnlyList<long> seeds, IReadOnlyList<double> sigmas, int workers)
    {
        if (seeds.Count is 0 or > 1000 || seeds.Distinct().Count() != seeds.Count) throw new RecipeException("Seeds", $"Seeds has {seeds.Count} values; it must hold 1 to 1000, each once.");
        if (sigmas.Count is 0 or > 100 || sigmas.Any(s => s is not (>= 0 and <= 1))) throw new RecipeException("Sigmas", FormattableString.Invariant($"Sigmas is [{string.Join(", ", sigmas)}]; it must hold 1 to 100, each 0 to 1."));
        if (workers is < 1 or > 256) throw new RecipeException("Workers", $"Workers is {workers}; it must be 1 to 256.");
    }

    /// <summary>All results in the order of the units. On cancellation what is done is on disk.</summary>
    public IReadOnlyList<TrainingResult> Run(IReadOnlyList<TrainingUnit> units, IProgress<ExperimentProgress>? progress, CancellationToken cancellationToken)
    {
        if (units.Count == 0) throw new RecipeException("Seeds", "Seeds is empty; it must hold at least one.");
        if (units.FirstOrDefault(u => u.Sigmas.Count == 0 || u.Sigmas.Any(x => x is not (>= 0 and <= 1))) is { } wrong) throw new RecipeException("Sigmas", $"Sigmas is [{string.Join(", ", wrong.Sigmas)}]; it must hold at least one, each 0 to 1.");
        var meter = new WorkMeter(units.Sum(Cost), time, progress);
        var results = new TrainingResult?[units.Count];
        int side = units[0].Recipe.Model.TileSide, next = -1; // all of an experiment see the same images
        TrainingData train = TrainingData.Load([data.TrainSource], side, 1, cancellationToken), validation = TrainingData.Load([data.ValidationSource], side, 1, cancellationToken);
        var failures = new List<Exception>();
        int threads = get_num_threads();
        // A failed worker stops the others; what they have done is saved.
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Thread[] pool = Enumerable.Range(0, Math.Min(workers, units.Count)).Select(w => new Thread(Work) { Name = $"training {w}", IsBackground = true }).ToArray();
        foreach (Thread thread in pool) thread.Start();
        foreach (Thread thread in pool) thread.Join();
        set_num_threads(threads);
        cancellationToken.ThrowIfCancellationRequested();
        if (failures.Count > 0) throw failures[0];
        return results!;

        void Work()
        {
            LibtorchThreads.Use(1);
            try
            {
                for (int i = Interlocked.Increment(ref next); i < units.Count; i = Interlocked.Increment(ref next)) results[i] = One(units[i], train, validation, meter, stop.Token);
            }
            catch (Exception e)
            {
                lock (failures) failures.Insert(e is OperationCanceledException ? failures.Count : 0, e);
                stop.Cancel();
            }
        }
    }

    /// <summary>How long these trainings took side by side until now, over all sessions, finished or not, in hours.</summary>
    public static double Hours(IReadOnlyList<TrainingUnit> units, int workers)
    {
        double[] seconds = units.Select(u => UnitClock.Read(u.Seconds)).Where(s => s > 0).ToArray();
        return seconds.Sum() / 3600 / Math.Clamp(seconds.Length, 1, workers);
    }

    /// <summary>The results that are on disk already, of whatever units.</summary>
    public IReadOnlyList<TrainingResult> Finished(IReadOnlyList<TrainingUnit> units) => units.Select(Read).OfType<TrainingResult>().ToArray();

    private TrainingResult One(TrainingUnit unit, TrainingData train, TrainingData validation, WorkMeter meter, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (Read(unit) is { } finished)
        {
            if (!File.Exists(unit.Seconds)) UnitClock.Write(unit.Seconds, finished.TrainingSeconds); // from before they were kept
            meter.Skip(Cost(unit), $"{unit.Key}: finished earlier");
            return finished;
        }

        var clock = new UnitClock(unit.Seconds, time);
        try
        {
            return Train(unit, train, validation, clock, meter, cancellationToken);
        }
        finally
        {
            clock.Save();
        }
    }

    private TrainingResult Train(TrainingUnit unit, TrainingData train, TrainingData validation, UnitClock clock, WorkMeter meter, CancellationToken cancellationToken)
    {
        Recipe recipe = unit.Recipe with { Data = [data.Named(data.TrainSource)], Validation = [data.Named(data.ValidationSource)] };
        double stepCost = StepCost(recipe);
        long last = -1;
        var steps = new StepProgress(p =>
        {
            if (p.ValidationPsnr is not null) clock.Save(); // a process may be killed
            if (last < 0 && p.Step > 1) meter.Skip((p.Step - 1) * stepCost, unit.Key);
            last = p.Step;
            meter.Add(stepCost, $"{unit.Key}: step {p.Step}/{p.Steps}");
        });
        var run = new TrainingRun(recipe, train, validation, unit.Folder, time, steps) { WithSamples = false };
        string best = run.Run(cancellationToken);
        double seconds = clock.Seconds;
        var (network, _) = Checkpoint.Load(best);
        using var denoiser = new Denoiser(network, new DenoiserOptions { Threads = 1 });
        var protocol = new EvaluationProtocol(data.Path, IndexRange.Parse(data.Test), unit.Sigmas, Clamp: true, RoundTo8Bit: false, NoiseSeed);
        var (rows, _, _) = Evaluation.Run(denoiser, protocol, time, cancellationToken: cancellationToken);
        var result = new TrainingResult(unit.Key, recipe.Seed, recipe.Model.Parameters, run.Steps, Math.Round(seconds, 1), rows);
        AtomicFile.Write(unit.Result, JsonSerializer.SerializeToUtf8Bytes(new StoredResult(Identity(unit), result), ExperimentFolder.Json));
        return result;
    }

    private TrainingResult? Read(TrainingUnit unit)
    {
        if (!File.Exists(unit.Result)) return null;
        StoredResult stored = ExperimentFolder.Read<StoredResult>(unit.Result, $"result.json of {unit.Key}", "the network");
        UnitIdentity now = Identity(unit);
        if (Text(stored.Identity) != Text(stored.Identity.Pixels is null ? now with { Pixels = null } : now)) throw new RecipeException("output", $"{unit.Key} in the output folder was made with another recipe, other data or other σ. Give another folder.");
        return stored.Result;
    }

    private sealed record StoredResult(UnitIdentity Identity, TrainingResult Result);

    /// <summary>Everything that decides a result. Pixels are the first digits of the sha256 of each range's images; null in results from before they were recorded.</summary>
    private sealed record UnitIdentity(Recipe Recipe, string Train, string Validation, string Test, IReadOnlyList<double> Sigmas, string? Pixels = null);

    private UnitIdentity Identity(TrainingUnit unit) => new(unit.Recipe with { Data = [], Validation = [] }, data.Train, data.Validation, data.Test, unit.Sigmas, _pixels.Value);

    /// <summary>Settings that a stored identity does not have yet have their defaults.</summary>
    private static string Text(UnitIdentity identity) => JsonSerializer.Serialize(identity, JsonSerializerOptions.Web);

    private double Cost(TrainingUnit unit) => StepsOf(unit.Recipe) * StepCost(unit.Recipe);

    private double StepsOf(Recipe recipe) => recipe.Steps ?? recipe.Epochs * IndexRange.Parse(data.Train).Count / recipe.BatchSize;

    private static double StepCost(Recipe recipe) => recipe.BatchSize * Flops.Honest(recipe.Model);

    private sealed class StepProgress(Action<TrainingProgress> report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report(value);
    }
}
