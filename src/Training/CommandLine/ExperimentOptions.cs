using System.CommandLine;
using System.Globalization;
using DenoiseService.Training.Experiments;
using Spectre.Console;
using static TorchSharp.torch;

namespace DenoiseService.Training.CommandLine;

/// <summary>The options that the experiments share.</summary>
internal static class ExperimentOptions
{
    public static readonly Option<string> Cifar = new("--data") { Description = "A CIFAR-10 folder: the whole archive or a part of it.", Required = true };

    public static readonly Option<string?> Train = new("--train") { Description = "Records to train on, such as 0-2999. Without the three ranges the report's split of a whole archive, or 75, 12.5 and 12.5 % of a part." };

    public static readonly Option<string?> Validation = new("--validation") { Description = "Records that choose the best epoch." };

    public static readonly Option<string?> Test = new("--test") { Description = "Records that are measured." };

    public static readonly Option<DirectoryInfo> Output = new("--output") { Description = "Folder of the experiment; what an earlier start of it finished there is kept.", Required = true };

    public static readonly Option<string> Seeds = new("--seeds") { Description = "Seeds of the trainings.", DefaultValueFactory = _ => "1,2,3" };

    public static readonly Option<double?> Epochs = new("--epochs") { Description = "Instead of the recipe's." };

    public static readonly Option<int> Workers = new("--workers") { Description = "Trainings side by side, one thread each.", DefaultValueFactory = _ => Environment.ProcessorCount };

    /// <summary>The three ranges as given, or split by size.</summary>
    public static ExperimentData DataOf(ParseResult parsed)
    {
        string path = parsed.GetValue(Cifar)!;
        string?[] ranges = [parsed.GetValue(Train), parsed.GetValue(Validation), parsed.GetValue(Test)];
        if (ranges.All(r => r is null)) return ExperimentData.Of(path);
        if (ranges.Any(r => r is null)) throw new FormatException("Give all of --train, --validation and --test, or none of them.");
        return new ExperimentData { Path = path, Train = ranges[0]!, Validation = ranges[1]!, Test = ranges[2]! }.Validated();
    }

    /// <summary>A recipe by name or file, made as long as asked.</summary>
    public static Recipe RecipeOf(string name, double? epochs)
    {
        Recipe recipe = RecipeFile.Named(name);
        return epochs is { } given ? recipe with { Epochs = given, Steps = null } : recipe;
    }

    /// <summary>Comma-separated whole numbers, at least one.</summary>
    public static long[] SeedsOf(ParseResult parsed)
    {
        string text = parsed.GetValue(Seeds)!;
        string[] parts = text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (parts.Length == 0 || !parts.All(p => long.TryParse(p, NumberStyles.Integer, CultureInfo.InvariantCulture, out _))) throw new FormatException($"--seeds is '{text}'; it must be whole numbers with commas between them.");
        return parts.Select(p => long.Parse(p, CultureInfo.InvariantCulture)).Distinct().ToArray();
    }

    /// <summary>1 to 256.</summary>
    public static int WorkersOf(ParseResult parsed)
    {
        int workers = parsed.GetValue(Workers);
        if (workers is < 1 or > 256) throw new FormatException($"--workers is {workers}; it must be 1 to 256.");
        set_num_threads(Environment.ProcessorCount); // of what runs alone; trainings side by side take one each
        return workers;
    }
}

/// <summary>Shows an experiment: a bar with the time left on a terminal, a line every few percent elsewhere.</summary>
internal static class ExperimentView
{
    public static void Show(IAnsiConsole console, string name, ExperimentFolder folder, Action<IProgress<ExperimentProgress>> run)
    {
        if (!console.Profile.Capabilities.Interactive) run(new Lines(console));
        else
        {
            console.Progress().Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn()).Start(context =>
            {
                run(new Bar(context.AddTask(name, maxValue: 1)));
                return 0;
            });
        }

        console.WriteLine($"Report: {folder.File("report.md")}");
    }

    private static string Describe(ExperimentProgress p) => p.Remaining is { } left ? $"{p.Stage}, {(int)left.TotalHours}:{left:mm\\:ss} left" : p.Stage;

    private sealed class Lines(IAnsiConsole console) : IProgress<ExperimentProgress>
    {
        private readonly Lock _lock = new();
        private double _shown = -1;

        public void Report(ExperimentProgress value)
        {
            lock (_lock)
            {
                if (value.Fraction < _shown) _shown = -1; // the next stage
                if (value.Fraction < _shown + 0.02 && (value.Fraction < 1 || _shown >= 1)) return;
                _shown = value.Fraction;
                console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{value.Fraction:P0} {Describe(value)}"));
            }
        }
    }

    private sealed class Bar(ProgressTask task) : IProgress<ExperimentProgress>
    {
        public void Report(ExperimentProgress value)
        {
            task.Value = value.Fraction;
            task.Description = Markup.Escape(Describe(value));
        }
    }
}
