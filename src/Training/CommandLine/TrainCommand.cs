using System.CommandLine;
using System.Globalization;
using DenoiseService.Model;
using DenoiseService.Training.Data;
using Spectre.Console;
using static TorchSharp.torch;

namespace DenoiseService.Training.CommandLine;

/// <summary>denoise train: one network after a recipe.</summary>
internal static class TrainCommand
{
    private static readonly Option<string> RecipeName = new("--recipe") { Description = $"A recipe by name ({string.Join(", ", Recipe.Named.Keys)}) or a JSON file. The other options change it.", DefaultValueFactory = _ => "photographs" };
    private static readonly Option<int?> Tile = new("--tile") { Description = "Side in pixels of the training squares of a windowed network, in whole windows; larger ones teach it what lies far from a border." };
    private static readonly Option<FileInfo?> Initial = new("--initial") { Description = "A checkpoint to start from, with its network. A fine-tuning wants a low --lr." };
    private static readonly Option<string[]> Data = new("--data") { Description = "Training images: a CIFAR-10 folder or a folder of pictures, each with :FIRST-LAST, @SHARE, #PATCHES, ~SHRINK as wanted. May be repeated.", AllowMultipleArgumentsPerToken = true };
    private static readonly Option<string[]> Validation = new("--validation") { Description = "Held-out images, in the same form.", AllowMultipleArgumentsPerToken = true };
    private static readonly Option<DirectoryInfo> Output = new("--output") { Description = "Folder of the run; if it holds an unfinished run of the same recipe, that goes on.", Required = true };
    private static readonly Option<long?> Seed = new("--seed") { Description = "Of everything random. Same seed, same curve." };
    private static readonly Option<int?> Steps = new("--steps") { Description = "Steps in all." };
    private static readonly Option<double?> Epochs = new("--epochs") { Description = "Passes over the data, instead of --steps." };
    private static readonly Option<int?> BatchSize = new("--batch") { Description = "Images in a step." };
    private static readonly Option<double?> LearningRate = new("--lr") { Description = "Peak learning rate." };
    private static readonly Option<string?> Sigma = new("--sigma") { Description = "Noise: one level, or a range MIN-MAX; 0.1 or 25/255." };
    private static readonly Option<double?> Clamped = new("--clamped") { Description = "Share of noisy images that are clamped to [0, 1]." };
    private static readonly Option<int?> Replicas = new("--replicas") { Description = "Copies of the network that share a batch, one thread each. In bfloat16 this is what uses several cores." };
    private static readonly Option<Precision?> Numbers = new("--precision") { Description = "Numbers of the passes: Float32, or BFloat16 where the processor has such products." };
    private static readonly Option<int> Threads = new("--threads") { Description = "libtorch's threads.", DefaultValueFactory = _ => Environment.ProcessorCount };

    public static Command Build(IAnsiConsole console, TimeProvider time)
    {
        var command = new Command("train", "Train a network. Ctrl-C saves; the same command goes on.") { RecipeName, Initial, Tile, Data, Validation, Output, Seed, Steps, Epochs, BatchSize, LearningRate, Sigma, Clamped, Replicas, Numbers, Threads };
        command.SetAction((parsed, cancellationToken) => Task.FromResult(Run(parsed, console, time, cancellationToken)));
        return command;
    }

    private static int Run(ParseResult parsed, IAnsiConsole console, TimeProvider time, CancellationToken cancellationToken)
    {
        int threads = Parsing.Threads(parsed.GetValue(Threads));
        set_num_threads(threads);
        Recipe recipe = FromOptions(parsed).Validated();
        if (recipe.Data.Count == 0) throw new RecipeException(nameof(Recipe.Data), "No training data: give --data FOLDER.");
        if (recipe.Precision == Precision.BFloat16 && !Precisions.HasBFloat16Products) console.WriteLine("No bfloat16 products were found on this processor: a new run with --precision Float32 is probably faster here.");
        if (recipe.Precision == Precision.BFloat16 && recipe.Replicas == 1 && Math.Min(threads, recipe.BatchSize) > 1) console.WriteLine($"In bfloat16 one replica computes on one thread: --replicas {Math.Min(threads, recipe.BatchSize)} would use the others too.");
        console.WriteLine($"Reading {recipe.Data.Count} training and {recipe.Validation.Count} validation sources …");
        TrainingData data = TrainingData.Load(recipe.Data, recipe.Model.TileSide, recipe.Seed, cancellationToken);
        TrainingData? validation = recipe.Validation.Count == 0 ? null : TrainingData.Load(recipe.Validation, recipe.Model.TileSide, recipe.Seed, cancellationToken);
        string folder = parsed.GetValue(Output)!.FullName;
        console.WriteLine($"{data.Count} training and {validation?.Count ?? 0} validation images of {data.Side} × {data.Side}; seed {recipe.Seed}.");
        string best = TrainingProgressView.Show(console, progress => new TrainingRun(recipe, data, validation, folder, time, progress) { InitialWeights = parsed.GetValue(Initial)?.FullName ?? recipe.Initial }.Run(cancellationToken));
        console.WriteLine($"Best weights: {best}");
        return 0;
    }

    private static Recipe FromOptions(ParseResult parsed)
    {
        Recipe recipe = RecipeFile.Named(parsed.GetValue(RecipeName)!);
        if (parsed.GetValue(Initial) is { } initial) recipe = recipe.From(initial.Name, Checkpoint.ReadCard(initial.FullName).Config);
        if (parsed.GetValue(Tile) is { } tile) recipe = recipe with { Model = recipe.Model with { TileSide = tile } };
        if (parsed.GetValue(Data) is { Length: > 0 } data) recipe = recipe with { Data = data.Select(Parsing.Source).ToArray() };
        if (parsed.GetValue(Validation) is { Length: > 0 } validation) recipe = recipe with { Validation = validation.Select(Parsing.Source).ToArray() };
        if (parsed.GetValue(Sigma) is { } sigma)
        {
            (double least, double most) = Parsing.SigmaRange(sigma);
            recipe = recipe with { SigmaMin = least, SigmaMax = most };
        }

        if (parsed.GetValue(Epochs) is { } epochs)
        {
            if (parsed.GetValue(Steps) is { } steps) throw new FormatException(FormattableString.Invariant($"--epochs is {epochs} and --steps is {steps}; it must be one of them, not both."));
            recipe = recipe with { Epochs = epochs, Steps = null };
        }

        return recipe with
        {
            Seed = parsed.GetValue(Seed) ?? recipe.Seed,
            Steps = parsed.GetValue(Steps) ?? recipe.Steps,
            BatchSize = parsed.GetValue(BatchSize) ?? recipe.BatchSize,
            LearningRate = parsed.GetValue(LearningRate) ?? recipe.LearningRate,
            ClampedShare = parsed.GetValue(Clamped) ?? recipe.ClampedShare,
            Replicas = parsed.GetValue(Replicas) ?? recipe.Replicas,
            Precision = parsed.GetValue(Numbers) ?? recipe.Precision,
        };
    }
}

/// <summary>Shows a run: a bar on a terminal, a line at every validation and every few hundred steps elsewhere.</summary>
internal static class TrainingProgressView
{
    public static string Show(IAnsiConsole console, Func<IProgress<TrainingProgress>, string> run)
    {
        if (!console.Profile.Capabilities.Interactive) return run(new Lines(console));
        return console.Progress().Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn()).Start(context => run(new Bar(context.AddTask("starting"))));
    }

    private static string Describe(TrainingProgress p) => string.Create(CultureInfo.InvariantCulture,
        $"step {p.Step}/{p.Steps} epoch {p.Epoch:F2} loss {p.Loss:F5} lr {p.LearningRate:E1} left {(int)p.Remaining.TotalHours}:{p.Remaining:mm\\:ss}{(p.ValidationPsnr is { } v ? $" validation {v:F3} dB" : "")}");

    private sealed class Lines(IAnsiConsole console) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.ValidationPsnr is not null || value.Step % 200 == 0) console.WriteLine(Describe(value));
        }
    }

    private sealed class Bar(ProgressTask task) : IProgress<TrainingProgress>
    {
        private string _validation = "";

        public void Report(TrainingProgress value)
        {
            if (value.ValidationPsnr is { } psnr) _validation = string.Create(CultureInfo.InvariantCulture, $" (validated {psnr:F2} dB)");
            task.MaxValue = value.Steps;
            task.Value = value.Step;
            task.Description = Describe(value with { ValidationPsnr = null }) + _validation;
        }
    }
}
