using System.CommandLine;
using System.Globalization;
using DenoiseService.Training.Experiments;
using Spectre.Console;

namespace DenoiseService.Training.CommandLine;

/// <summary>denoise scaling: what attention costs as images grow.</summary>
internal static class ScalingCommand
{
    private static readonly ScalingSettings Defaults = new();
    public static readonly Option<string> Sides = new("--sides") { Description = "Image sides in pixels, comma-separated.", DefaultValueFactory = _ => string.Join(',', Defaults.Sides) };
    private static readonly Option<int> Repeats = new("--repeats") { Description = "Timed passes of every form and side; fewer where they take long.", DefaultValueFactory = _ => Defaults.Repeats };
    private static readonly Option<double?> MemoryLimit = new("--memory-limit") { Description = "GiB that a pass may need; by default 85 % of what is available." };

    public static Command Build(IAnsiConsole console, TimeProvider time)
    {
        var command = new Command("scaling", "FLOPs, time and memory of full and sparse attention over the image side.") { Sides, Repeats, MemoryLimit, ModelOptions.Threads, ExperimentOptions.Output };
        command.SetAction((parsed, cancellationToken) => Task.FromResult(Run(parsed, console, time, cancellationToken)));
        return command;
    }

    private static int Run(ParseResult parsed, IAnsiConsole console, TimeProvider time, CancellationToken cancellationToken)
    {
        var settings = new ScalingSettings { Sides = Parse(parsed.GetValue(Sides)!), Repeats = parsed.GetValue(Repeats), MemoryLimitGiB = parsed.GetValue(MemoryLimit), Threads = parsed.GetValue(ModelOptions.Threads) };
        var folder = new ExperimentFolder(parsed.GetValue(ExperimentOptions.Output)!.FullName);
        ExperimentView.Show(console, "scaling", folder, progress => console.WriteLine(new Scaling(settings, folder, time, progress).Run(cancellationToken).ClaimHoldsFor));
        return 0;
    }

    public static int[] Parse(string text) => text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
        .Select(t => int.TryParse(t, NumberStyles.None, CultureInfo.InvariantCulture, out int side) ? side : throw new FormatException($"'{t}' is not a side in pixels.")).ToArray();
}
