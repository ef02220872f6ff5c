using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using DenoiseService.Model;
using DenoiseService.Training.Data;
using static TorchSharp.torch;

namespace DenoiseService.Training;

/// <summary>How far a run is.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Steps">Steps in all.</param>
/// <param name="Epoch">Passes over the data done.</param>
/// <param name="Loss">Of the last step, with the losses of the balance and of the estimated noise level.</param>
/// <param name="LearningRate">Of the last step.</param>
/// <param name="ValidationPsnr">dB, mean over images and noise levels; null between validations.</param>
/// <param name="Remaining">Estimate from the steps of this session.</param>
/// <param name="Sample">A look at validation images; null at most steps.</param>
public sealed record TrainingProgress(long Step, long Steps, double Epoch, double Loss, double LearningRate, double? ValidationPsnr, TimeSpan Remaining, TrainingSample? Sample = null);

/// <summary>The loss or the output of a run is no longer a number. The last good state is on disk.</summary>
public sealed class TrainingDivergedException(long step, double loss, double? gradientNorm) : Exception($"The loss of step {step} is {loss}{(gradientNorm is { } norm ? $" and the norm of its gradient {norm}" : "")}; the run stops. Its last saved state is from before. Try a lower learning rate or gradient clipping.");

/// <summary>
/// Trains one network after a <see cref="Recipe"/>, in a folder of its own: recipe.json, state.safetensors (to go on from), history.csv,
/// best.safetensors and best.json (the best step on validation), samples (sheets of restored validation images). Started again on the same folder, it goes on where it was.
/// </summary>
public sealed class TrainingRun
{
    /// <summary>The file in a run's folder that only one process can hold; it is not part of the run's state.</summary>
    public const string LockFile = "lock";

    private const long ValidationPurpose = 5, RevivalPurpose = 9;
    private const double Smoothing = 1e-6;
    private const double UsualError = 0.006; // squared error in the results of denoise-small, divided by σ: nearly the same from 5 to 75 of 255 on McMaster and BSD
    private static readonly TimeSpan SaveEvery = TimeSpan.FromMinutes(1);

    private readonly Recipe _recipe;
    private readonly TrainingData _data;
    private readonly TrainingData? _validation;
    private readonly string _folder;
    private readonly TimeProvider _time;
    private readonly IProgress<TrainingProgress>? _progress;
    private TrainingOrigin _origin;
    private string[] _setsSha256 = []; // gigabytes in all: taken once

    /// <summary>Prepares a run.</summary>
    /// <exception cref="RecipeException">A value is out of range, or the data's images are not of the network's tile size.</exception>
    public TrainingRun(Recipe recipe, TrainingData data, TrainingData? validation, string folder, TimeProvider time, IProgress<TrainingProgress>? progress = null)
    {
        _recipe = recipe.Validated();
        (_data, _validation, _folder, _time, _progress) = (data, validation, folder, time, progress);
        if (data.Side != recipe.Model.TileSide) throw new RecipeException(nameof(Recipe.Data), $"The images have {data.Side} pixels a side, the network takes {recipe.Model.TileSide}.");
        StepsPerEpoch = Math.Max(1, data.Count / (double)recipe.BatchSize);
        Steps = recipe.Steps ?? Math.Max(1, (long)Math.Round(recipe.Epochs * StepsPerEpoch));
    }

    /// <summary>Where the weights of <see cref="Recipe.Initial"/> are; the recipe may know them by another name.</summary>
    public string? InitialWeights { get; init; }

    /// <summary>Whether to make sheets of restored validation images on the way; default true.</summary>
    public bool WithSamples { get; init; } = true;

    /// <summary>Steps of the whole run.</summary>
    public long Steps { get; }

    private double StepsPerEpoch { get; }

    private string StatePath => Path.Combine(_folder, "state.safetensors");

    private string BestPath => Path.Combine(_folder, "best.safetensors");

    private string RecipePath => Path.Combine(_folder, "recipe.json");

    private string HistoryPath => Path.Combine(_folder, "history.csv");

    /// <summary>Steps that the state of a run has done.</summary>
    /// <param name="state">Its state.safetensors.</param>
    /// <exception cref="CheckpointException">Missing or damaged.</exception>
    public static long SavedStep(string state) => TrainingState.StepOf(state);

    /// <summary>Trains to the end.</summary>
    /// <returns>The path of the best weights.</returns>
    /// <param name="cancellationToken">Looked at before every step; the state is saved first.</param>
    /// <exception cref="TrainingDivergedException">The loss is not finite.</exception>
    public string Run(CancellationToken cancellationToken = default)
    {
        Heap.KeepFreed();
        Directory.CreateDirectory(_folder);
        using FileStream alone = Hold();
        using SmallViT network = SmallViT.WithSeed(_recipe.Model, Seeds.Derive(_recipe.Seed, 0, 0));
        using SmallViT? mean = _recipe.EmaDecay is null ? null : new SmallViT(_recipe.Model);
        mean?.load_state_dict(network.state_dict());
        IOptimiser optimiser = _recipe.Optimiser == OptimiserKind.Muon ? new Muon(network.parameters(), _recipe.WeightDecay) : new Adam(network.parameters(), _recipe.WeightDecay);
        var batches = new Batches(_recipe, _data);

        CheckRecipe();
        _setsSha256 = [.. _data.Sets.Select(s => s.Sha256())];
        _origin = new TrainingOrigin(null, ShaOfAll(_setsSha256), _validation is null ? null : ShaOfAll(_validation.Sets.Select(s => s.Sha256())));
        (long step, double best) = File.Exists(StatePath) ? GoOn(network, mean, optimiser) : Begin(network, mean);
        if (!File.Exists(BestPath)) best = double.NegativeInfinity;
        if (step >= Steps && !File.Exists(BestPath)) throw new RecipeException(nameof(Recipe.Steps), $"Steps is {Steps}; this run has done {step} and has no weights to keep yet. Give more than {step}.");
        StartFiles(step);
        using var parallel = new DataParallel(network, _recipe.Replicas, _recipe.Precision); // of the weights, and what is never trained, as they are now
        TrainingSamples? samples = WithSamples && _validation is not null ? new TrainingSamples(_folder, _recipe, _validation, Steps, step) : null;
        long started = _time.GetTimestamp(), first = step, saved = started;
        long validateEvery = _recipe.ValidateEvery ?? (long)Math.Max(1, Math.Round(StepsPerEpoch));
        network.train();
        while (step < Steps)
        {
            if (cancellationToken.IsCancellationRequested)
            {
                Save(network, mean, optimiser, step, best);
                cancellationToken.ThrowIfCancellationRequested();
            }

            double rate = LearningRate(step);
            double loss = Step(parallel, batches, optimiser, network, mean, step, rate);
            step++;
            if (step % _recipe.ReviveEvery == 0) IdleUnits.Revive(network, mean, optimiser, Seeds.Derive(_recipe.Seed, RevivalPurpose, step));
            double? psnr = null;
            TrainingSample? sample = null;
            if (step % validateEvery == 0 || step == Steps)
            {
                (SmallViT judged, JsonObject metrics) = (mean ?? network, []);
                psnr = Validate(judged, metrics);
                if (psnr is { } number && !double.IsFinite(number)) throw new TrainingDivergedException(step, loss, null);
                if (psnr is null || psnr >= best)
                {
                    best = psnr ?? best;
                    Checkpoint.Save(BestPath, judged, Record(step, IdleUnits.Of(network, optimiser).Count), metrics);
                }

                AppendHistory(step, loss, rate, psnr);
                Save(network, mean, optimiser, step, best);
                if (samples?.IsDue(step) == true) sample = samples.Look(judged, step); // after the state: a step that is done again is looked at again
                network.train();
            }
            else if (_time.GetElapsedTime(saved) > SaveEvery)
            {
                saved = _time.GetTimestamp();
                Save(network, mean, optimiser, step, best);
            }

            TimeSpan remaining = _time.GetElapsedTime(started) * ((Steps - step) / (double)(step - first));
            _progress?.Report(new TrainingProgress(step, Steps, step / StepsPerEpoch, loss, rate, psnr, remaining, sample));
        }

        return BestPath;
    }

    /// <exception cref="CheckpointException">The initial weights cannot be read, or are of another network.</exception>
    private (long Step, double Best) Begin(SmallViT network, SmallViT? mean)
    {
        if (_recipe.Initial is not null)
        {
            if (InitialWeights is null) throw new RecipeException(nameof(Recipe.Initial), $"Initial is {_recipe.Initial}, and nobody said where that is.");
            using SafetensorsFile file = Safetensors.Read(InitialWeights);
            using var scope = NewDisposeScope();
            Checkpoint.Fill(network, file.Tensors, Path.GetFileName(InitialWeights));
            mean?.load_state_dict(network.state_dict());
            _origin = _origin with { InitialSha256 = ShaOf(File.ReadAllBytes(InitialWeights)) };
        }

        return (0, double.NegativeInfinity);
    }

    /// <summary>From the stored state on. The initial weights are not needed any more; if they are there, they must be those that the run started from, as the images must be those it learnt from.</summary>
    /// <exception cref="RecipeException">They are not.</exception>
    /// <exception cref="CheckpointException">The state is damaged.</exception>
    private (long Step, double Best) GoOn(SmallViT network, SmallViT? mean, IOptimiser optimiser)
    {
        (long step, double best, TrainingOrigin began) = TrainingState.Load(StatePath, network, mean, optimiser);
        bool there = File.Exists(InitialWeights) && Path.GetFullPath(InitialWeights) != Path.GetFullPath(BestPath); // a relative name may mean what this run made
        TrainingOrigin now = _origin with { InitialSha256 = there ? ShaOf(File.ReadAllBytes(InitialWeights!)) : null };
        if (Differ(began.InitialSha256, now.InitialSha256)) throw new RecipeException(nameof(Recipe.Initial), $"{Path.GetFileName(InitialWeights)} is not what the run in {Path.GetFileName(_folder)} started from (sha256 {now.InitialSha256![..12]}…, not {began.InitialSha256![..12]}…). Give another folder.");
        if (Differ(began.DataSha256, now.DataSha256)) throw new RecipeException(nameof(Recipe.Data), $"The training images are not those of the run in {Path.GetFileName(_folder)}. Give another folder.");
        if (Differ(began.ValidationSha256, now.ValidationSha256)) throw new RecipeException(nameof(Recipe.Validation), $"The validation images are not those of the run in {Path.GetFileName(_folder)}, whose best step they chose. Give another folder.");
        _origin = now with { InitialSha256 = began.InitialSha256 ?? now.InitialSha256 };
        return (step, best);

        static bool Differ(string? before, string? now) => before is not null && now is not null && before != now;
    }

    private static string ShaOfAll(IEnumerable<string> checksums) => ShaOf(System.Text.Encoding.ASCII.GetBytes(string.Concat(checksums)));

    private static string ShaOf(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes));

    private void Save(SmallViT network, SmallViT? mean, IOptimiser optimiser, long step, double best) => TrainingState.Save(StatePath, network, mean, optimiser, step, best, _origin);

    /// <summary>Two runs in one folder would write over each other. The system lets go of the file however this process ends.</summary>
    private FileStream Hold()
    {
        try
        {
            return new FileStream(Path.Combine(_folder, LockFile), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e)
        {
            throw new RecipeException("output", $"The folder {Path.GetFileName(_folder)} is in use by another run ({e.GetType().Name}).");
        }
    }

    private double Step(DataParallel parallel, Batches batches, IOptimiser optimiser, SmallViT network, SmallViT? mean, long step, double rate)
    {
        using var scope = NewDisposeScope();
        (Tensor noisy, Tensor clean, Tensor sigma) = batches.Of(step); // (B, 3 or 4, side, side), (B, 3, side, side), (B)
        optimiser.ZeroGradients();
        double loss = parallel.Backward(noisy, clean, sigma, Loss);
        if (!double.IsFinite(loss)) throw new TrainingDivergedException(step + 1, loss, null);
        // A finite loss can have an infinite gradient: it must not reach the weights.
        double norm = nn.utils.clip_grad_norm_(network.parameters(), _recipe.ClipNorm ?? float.MaxValue);
        if (!double.IsFinite(norm)) throw new TrainingDivergedException(step + 1, loss, norm);
        optimiser.Step(step, rate);
        if (mean is not null) MoveMean(mean, network, step);
        return loss;
    }

    private Tensor Loss(Tensor output, Tensor clean, Tensor sigma, Tensor routing)
    {
        Tensor error = output - clean;
        Tensor loss = _recipe.Loss switch
        {
            LossKind.Mse => error.Squared().mean(),
            LossKind.L1 => error.abs().mean(),
            LossKind.LogMse => OfEachImage().log().mean(),
            LossKind.RelativeRmse => (OfEachImage() / sigma.Times(UsualError).Plus(_recipe.LossFloor)).sqrt().mean(),
            _ => error.Squared().Plus(Smoothing).sqrt().mean(),
        };
        bool balanced = _recipe.BalanceWeight > 0 && _recipe.Model.Attention is AttentionKind.AdaptiveMixture or AttentionKind.SharedMixture;
        return balanced ? loss.Plus(BalanceLoss.Of(routing, _recipe.BalanceForm).Times(_recipe.BalanceWeight)) : loss;

        Tensor OfEachImage() => error.Squared().mean([1, 2, 3]).Plus(_recipe.LossFloor); // (B)
    }

    private void MoveMean(SmallViT mean, SmallViT network, long step)
    {
        using var noGrad = no_grad();
        // Early on the mean follows faster, or it would keep the random start for long.
        double decay = Math.Min(_recipe.EmaDecay!.Value, (1 + step) / (10.0 + step));
        using Tensor share = tensor((float)(1 - decay));
        foreach ((Tensor target, Tensor source) in mean.parameters().Zip(network.parameters())) target.lerp_(source, share);
    }

    private double LearningRate(long step)
    {
        double warmup = _recipe.WarmupSteps > 0 ? Math.Min(1, (step + 1) / (double)_recipe.WarmupSteps) : 1;
        double done = _recipe.Schedule == ScheduleKind.CosineByEpoch ? Math.Floor(step / StepsPerEpoch) * StepsPerEpoch / Steps : step / (double)Steps;
        double shape = _recipe.Schedule == ScheduleKind.Constant ? 1 : 0.5 * (1 + Math.Cos(Math.PI * Math.Min(1, done)));
        return _recipe.LearningRate * warmup * shape;
    }

    /// <summary>Mean PSNR in dB over the validation images and noise levels; null without validation data, where the last step is kept.</summary>
    private double? Validate(SmallViT network, JsonObject metrics)
    {
        if (_validation is null) return null;
        network.eval();
        var all = new List<double>();
        foreach (double sigma in _recipe.ValidationSigmas)
        {
            double psnr = _validation.Sets.SelectMany((set, s) => ValidationPsnr(network, set, sigma, s)).Average();
            metrics[$"validationPsnr@{sigma.ToString("0.####", CultureInfo.InvariantCulture)}"] = Math.Round(psnr, 4);
            all.Add(psnr);
        }

        return all.Average();
    }

    private IEnumerable<double> ValidationPsnr(SmallViT network, PatchSet set, double sigma, int index)
    {
        const int batch = 64;
        for (int first = 0; first < set.Count; first += batch)
        {
            foreach (double psnr in BatchPsnr(first, Math.Min(batch, set.Count - first))) yield return psnr;
        }

        double[] BatchPsnr(int first, int count)
        {
            using var inference = inference_mode();
            using var scope = NewDisposeScope();
            Tensor clean = set.Batch(Enumerable.Range(first, count).ToArray());
            Tensor noisy = Noise.Add(clean, full(count, (float)sigma), 1, Seeds.Derive(_recipe.Seed, ValidationPurpose + 16L * index, first));
            (Tensor image, _) = network.call(noisy);
            return (image - clean).Squared().mean([1, 2, 3]).data<float>().Select(mse => -10 * Math.Log10(Math.Max(mse, 1e-10))).ToArray(); // 100 dB at most: a restored flat patch is not infinitely good
        }
    }

    private JsonObject Record(long step, int idleUnits) => new()
    {
        ["step"] = step,
        ["steps"] = Steps,
        ["epoch"] = Math.Round(step / StepsPerEpoch, 3),
        ["images"] = _data.Count,
        ["dataSha256"] = new JsonArray([.. _setsSha256.Select(sha => (JsonNode?)sha)]),
        ["finishedAt"] = _time.GetUtcNow().ToString("u", CultureInfo.InvariantCulture),
        ["initialSha256"] = _origin.InitialSha256,
        ["idleUnits"] = idleUnits,
        ["recipe"] = JsonSerializer.SerializeToNode(_recipe, Recipe.Json),
    };

    private void CheckRecipe()
    {
        if (File.Exists(StatePath) && File.Exists(RecipePath) && !SameButForLength(File.ReadAllBytes(RecipePath)))
        {
            throw new RecipeException("output", $"The folder {Path.GetFileName(_folder)} holds a run of another recipe (its recipe.json differs in more than steps and epochs). Give another folder.");
        }
    }

    private void StartFiles(long step)
    {
        AtomicFile.Write(RecipePath, JsonSerializer.SerializeToUtf8Bytes(_recipe, Recipe.Json));
        // Lines from after the saved state are of steps that will be done again.
        IEnumerable<string> kept = File.Exists(HistoryPath)
            ? File.ReadAllLines(HistoryPath).Skip(1).Where(line => line.Split(',') is [var at, _, _, _] && long.TryParse(at, CultureInfo.InvariantCulture, out long number) && number <= step)
            : [];
        AtomicFile.Write(HistoryPath, System.Text.Encoding.UTF8.GetBytes(string.Concat(kept.Prepend("step,loss,learning_rate,validation_psnr").Select(line => line + "\n"))));
    }

    /// <summary>A run may be made longer or shorter on the way; anything else is another run.</summary>
    private bool SameButForLength(byte[] stored)
    {
        try
        {
            return JsonSerializer.Deserialize<Recipe>(stored, Recipe.Json) is { } other && Text(other) == Text(_recipe);
        }
        catch (JsonException)
        {
            return false;
        }

        static string Text(Recipe recipe) => JsonSerializer.Serialize(recipe with { Steps = null, Epochs = 1 }, Recipe.Json);
    }

    private void AppendHistory(long step, double loss, double rate, double? psnr) =>
        File.AppendAllText(HistoryPath, string.Create(CultureInfo.InvariantCulture, $"{step},{loss:R},{rate:R},{psnr:R}\n"));
}
