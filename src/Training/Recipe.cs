using System.Text.Json;
using System.Text.Json.Serialization;
using DenoiseService.Model;
using DenoiseService.Training.Data;

namespace DenoiseService.Training;

/// <summary>The rule that moves the weights.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<OptimiserKind>))]
public enum OptimiserKind
{
    /// <summary>Adam.</summary>
    Adam,

    /// <summary>Adam with decoupled weight decay.</summary>
    AdamW,

    /// <summary>Muon for linear layers and convolutions, AdamW for biases, norms and tables.</summary>
    Muon,
}

/// <summary>How the learning rate goes over the run.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ScheduleKind>))]
public enum ScheduleKind
{
    /// <summary>The same all along.</summary>
    Constant,

    /// <summary>Half a cosine down to 0, stepped once an epoch.</summary>
    CosineByEpoch,

    /// <summary>Half a cosine down to 0, stepped every step.</summary>
    Cosine,
}

/// <summary>What is minimised, as a mean over all samples or over the images.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<LossKind>))]
public enum LossKind
{
    /// <summary>Squared error.</summary>
    Mse,

    /// <summary>Absolute error.</summary>
    L1,

    /// <summary>√(error² + 10⁻⁶): absolute error, smooth at 0.</summary>
    Charbonnier,

    /// <summary>ln(LossFloor + mean squared error of an image): every decibel of every image weighs the same, whatever its noise, up to where the floor is.</summary>
    LogMse,

    /// <summary>
    /// √((LossFloor + mean squared error of an image) / (LossFloor + 0.006 σ)), where 0.006 σ is what usually remains of noise σ: every noise level weighs the same, and of its images those with more detail weigh more than
    /// with <see cref="LogMse"/>, as they do in the error of a whole picture.
    /// </summary>
    RelativeRmse,
}

/// <summary>Everything that decides a training run. Stored with the checkpoint; same recipe and data on the same kind of machine, same curve.</summary>
public sealed record Recipe
{
    /// <summary>The network.</summary>
    public ModelConfig Model { get; init; } = new();

    /// <summary>Weights to start from instead of random ones: a checkpoint's file, in a job of the service a model by alias, id or name. Names and shapes must be this network's.</summary>
    public string? Initial { get; init; }

    /// <summary>Training images; a training needs at least one source.</summary>
    public IReadOnlyList<DataSource> Data { get; init; } = [];

    /// <summary>Held-out images; the best step on them is kept.</summary>
    public IReadOnlyList<DataSource> Validation { get; init; } = [];

    /// <summary>Passes over the data; ignored where <see cref="Steps"/> is set.</summary>
    public double Epochs { get; init; } = 10;

    /// <summary>Steps in all; null: from <see cref="Epochs"/>.</summary>
    public int? Steps { get; init; }

    /// <summary>Images in a step, 1 to 65,536.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>Copies of the network that share a batch, one thread each; 1 uses libtorch's own threads, in bfloat16 one. Part of the recipe because sums round differently.</summary>
    public int Replicas { get; init; } = 1;

    /// <summary>Numbers of the passes. With bfloat16 the weights that are moved, and the sums of their gradients, stay float32. Shared mixtures and blocks without attention only.</summary>
    public Precision Precision { get; init; } = Precision.Float32;

    /// <summary>The rule.</summary>
    public OptimiserKind Optimiser { get; init; } = OptimiserKind.Adam;

    /// <summary>Peak learning rate.</summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>Over the run.</summary>
    public ScheduleKind Schedule { get; init; } = ScheduleKind.Constant;

    /// <summary>Steps over which the learning rate first rises from 0.</summary>
    public int WarmupSteps { get; init; }

    /// <summary>Decoupled weight decay; 0 with Adam.</summary>
    public double WeightDecay { get; init; }

    /// <summary>Largest gradient norm; null does not clip.</summary>
    public double? ClipNorm { get; init; }

    /// <summary>Loss.</summary>
    public LossKind Loss { get; init; } = LossKind.Mse;

    /// <summary>What the losses LogMse and RelativeRmse add to the mean squared error of an image, in units of 1²: errors well below it all count as good. 2·10⁻⁶ is 57 dB.</summary>
    public double LossFloor { get; init; } = 2e-6;

    /// <summary>Weight of the balance loss of each block.</summary>
    public double BalanceWeight { get; init; } = 0.01;

    /// <summary>Which of its forms.</summary>
    public BalanceForm BalanceForm { get; init; } = BalanceForm.PerImage;

    /// <summary>Least noise, in units of 1, not of 255.</summary>
    public double SigmaMin { get; init; } = 0.2;

    /// <summary>Most noise; every image draws a level between the two.</summary>
    public double SigmaMax { get; init; } = 0.2;

    /// <summary>Of an image's draw u, uniform in [0, 1): its level is SigmaMin + (SigmaMax − SigmaMin) · u^SigmaPower. 1 draws all levels alike, more draws low ones more often.</summary>
    public double SigmaPower { get; init; } = 1;

    /// <summary>A <see cref="ToldShare"/> that teaches both: to be told, and to work blind.</summary>
    public const double UsualToldShare = 0.5;

    /// <summary>Share of the images whose noise level the network is told while it learns; 0 for networks that cannot be told, and makes others forget it.</summary>
    public double ToldShare { get; init; }

    /// <summary>Most grain, in units of 1: white noise that every clean image gets first and keeps as what is wanted, its level uniform from 0 to this. Faint noise may be a picture's own.</summary>
    public double GrainMax { get; init; }

    /// <summary>Share of each batch whose noisy images are clamped to [0, 1].</summary>
    public double ClampedShare { get; init; } = 1;

    /// <summary>Turn and flip training images at random.</summary>
    public bool Augment { get; init; }

    /// <summary>Share of the training images whose colours are changed at random: order of the channels, brightness, saturation.</summary>
    public double RecolouredShare { get; init; }

    /// <summary>Steps between looks for units of the convolutions that no gradient reaches any more, which then are drawn anew without a change to what the network answers; null: never.</summary>
    public int? ReviveEvery { get; init; }

    /// <summary>Decay of the running mean of the weights, which is then what is validated and kept; null keeps none.</summary>
    public double? EmaDecay { get; init; }

    /// <summary>The noise levels of validation, clamped.</summary>
    public IReadOnlyList<double> ValidationSigmas { get; init; } = [0.2];

    /// <summary>Steps between validations; null: once an epoch.</summary>
    public int? ValidateEvery { get; init; }

    /// <summary>Of everything random.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>The named recipes of the report, of its released code, and ours.</summary>
    public static IReadOnlyDictionary<string, Recipe> Named { get; } = new Dictionary<string, Recipe>
    {
        ["report"] = new(),
        ["released"] = new() { Epochs = 30, BatchSize = 64, Optimiser = OptimiserKind.AdamW, WeightDecay = 1e-4, Schedule = ScheduleKind.CosineByEpoch, ClipNorm = 1, BalanceForm = BalanceForm.PerBatch },
        ["released-robustness"] = new() { Epochs = 8, BatchSize = 64, Optimiser = OptimiserKind.AdamW, WeightDecay = 1e-5, Schedule = ScheduleKind.CosineByEpoch, ClipNorm = 1, BalanceWeight = 0 },
        ["photographs"] = new()
        {
            Model = ModelConfig.Photographs, Steps = 40_000, BatchSize = 8, Optimiser = OptimiserKind.Muon, LearningRate = 1.4e-3, WeightDecay = 1e-4, Schedule = ScheduleKind.Cosine,
            WarmupSteps = 200, ClipNorm = 1, Loss = LossKind.LogMse, LossFloor = 1e-5, GrainMax = 2.0 / 255, SigmaMin = 0, SigmaMax = 90.0 / 255, SigmaPower = 1.5, ToldShare = UsualToldShare, ClampedShare = 0.6, Augment = true, RecolouredShare = 0.5, ReviveEvery = 300, EmaDecay = 0.9995,
            ValidationSigmas = [5.0 / 255, 15.0 / 255, 25.0 / 255, 50.0 / 255], ValidateEvery = 1000,
        },
    };

    /// <summary>How a recipe is written as JSON.</summary>
    public static JsonSerializerOptions Json { get; } = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <summary>This recipe from other weights on, with their network. One that reads the noise level is told it for as many images as the recipe says, or where the recipe is for networks that do not, for half of them, or it would forget how.</summary>
    /// <param name="initial">How the recipe is to name them.</param>
    /// <param name="network">Theirs.</param>
    public Recipe From(string initial, ModelConfig network) =>
        this with { Initial = initial, Model = network, ToldShare = !network.NoiseLevelInput ? 0 : Model.NoiseLevelInput ? ToldShare : UsualToldShare };

    /// <summary>Throws where a value is out of its range.</summary>
    /// <exception cref="RecipeException">Names the field, its value and its range.</exception>
    public Recipe Validated()
    {
        try
        {
            Model.Validated();
        }
        catch (ModelConfigException e)
        {
            throw new RecipeException(nameof(Model), e.Message);
        }

        Require(Epochs is > 0 and <= 1e6, nameof(Epochs), Epochs, "above 0, up to 1,000,000");
        Require(Steps is null or (>= 1 and <= 100_000_000), nameof(Steps), Steps, "1 to 100,000,000");
        Require(BatchSize is >= 1 and <= 65_536, nameof(BatchSize), BatchSize, "1 to 65,536");
        Require(Replicas >= 1 && Replicas <= BatchSize && Replicas <= 256, nameof(Replicas), Replicas, $"1 to BatchSize ({BatchSize}), at most 256");
        Require(Replicas == 1 || BalanceWeight == 0 || BalanceForm == BalanceForm.PerImage, nameof(Replicas), Replicas, "1 with the per-batch balance loss, which needs the whole batch at once");
        Require(Enum.IsDefined(Precision) && Model.Allows(Precision), nameof(Precision), Precision, $"{Precision.Float32}, or {Precision.BFloat16} with attention {AttentionKind.SharedMixture} or {AttentionKind.None}");
        RequireKnown(Optimiser, nameof(Optimiser));
        RequireKnown(Schedule, nameof(Schedule));
        RequireKnown(Loss, nameof(Loss));
        RequireKnown(BalanceForm, nameof(BalanceForm));
        Require(LearningRate is > 0 and <= 10, nameof(LearningRate), LearningRate, "above 0, up to 10");
        Require(WarmupSteps >= 0, nameof(WarmupSteps), WarmupSteps, "0 or more");
        Require(WeightDecay is >= 0 and <= 1, nameof(WeightDecay), WeightDecay, "0 to 1");
        Require(WeightDecay == 0 || Optimiser != OptimiserKind.Adam, nameof(WeightDecay), WeightDecay, "0 with Adam");
        Require(ClipNorm is null or > 0, nameof(ClipNorm), ClipNorm, "above 0");
        Require(LossFloor is > 0 and <= 1, nameof(LossFloor), LossFloor, "above 0, up to 1");
        Require(BalanceWeight is >= 0 and <= 100, nameof(BalanceWeight), BalanceWeight, "0 to 100");
        Require(SigmaMin is >= 0 and <= 1, nameof(SigmaMin), SigmaMin, "0 to 1");
        Require(SigmaPower is >= 0.1 and <= 10, nameof(SigmaPower), SigmaPower, "0.1 to 10");
        Require(SigmaMax >= SigmaMin && SigmaMax <= 1, nameof(SigmaMax), SigmaMax, $"SigmaMin ({SigmaMin}) to 1");
        Require(ToldShare is >= 0 and <= 1 && (ToldShare == 0 || Model.NoiseLevelInput), nameof(ToldShare), ToldShare, "0 to 1, and 0 where the model has no NoiseLevelInput");
        Require(ClampedShare is >= 0 and <= 1, nameof(ClampedShare), ClampedShare, "0 to 1");
        Require(GrainMax is >= 0 and <= 1, nameof(GrainMax), GrainMax, "0 to 1");
        Require(RecolouredShare is >= 0 and <= 1, nameof(RecolouredShare), RecolouredShare, "0 to 1");
        Require(ReviveEvery is null or >= 1, nameof(ReviveEvery), ReviveEvery ?? 0, "1 or more");
        Require(EmaDecay is null or (> 0 and < 1), nameof(EmaDecay), EmaDecay, "between 0 and 1");
        Require(ValidationSigmas.Count > 0 && ValidationSigmas.All(s => s is > 0 and <= 1), nameof(ValidationSigmas), string.Join(", ", ValidationSigmas), "at least one, each above 0, up to 1");
        Require(ValidateEvery is null or >= 1, nameof(ValidateEvery), ValidateEvery, "1 or more");
        foreach (DataSource? source in Data.Concat(Validation)) // JSON may hold null
        {
            if (source is null) throw new RecipeException(nameof(Data), "Data or Validation holds null; it must hold sources.");
            Require(source.Share > 0, "Share", source.Share, "above 0");
            Require(source.Shrink is >= 1 and <= 16, "Shrink", source.Shrink, "1 to 16");
            Require(source.Patches is >= 1 and <= 10_000_000, "Patches", source.Patches, "1 to 10,000,000");
        }

        return this;

        static void RequireKnown<T>(T value, string field)
            where T : struct, Enum => Require(Enum.IsDefined(value), field, value, string.Join(", ", Enum.GetNames<T>()));

        static void Require(bool holds, string field, object? value, string range)
        {
            if (!holds) throw new RecipeException(field, $"{field} is {value}; it must be {range}.");
        }
    }
}

/// <summary>A recipe has a value out of range.</summary>
public sealed class RecipeException(string field, string message) : Exception(message)
{
    /// <summary>Which field.</summary>
    public string Field { get; } = field;
}
