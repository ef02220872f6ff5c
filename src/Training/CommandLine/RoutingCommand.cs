using System.CommandLine;
using DenoiseService.Training.Data;
using DenoiseService.Training.Experiments;
using Spectre.Console;

namespace DenoiseService.Training.CommandLine;

/// <summary>denoise routing: where a network sends its compute, and whether that follows the content.</summary>
internal static class RoutingCommand
{
    private static readonly Option<string[]> Data = new("--data") { Description = "A CIFAR-10 folder, or picture files and folders of them.", Required = true, AllowMultipleArgumentsPerToken = true };
    private static readonly Option<string?> Range = new("--range") { Description = "Records or pictures, such as 3500-3999; all if not given." };
    private static readonly Option<string> Sigma = new("--sigma") { Description = "Noise, clamped: 0.2 or 25/255.", DefaultValueFactory = _ => "0.2" };
    private static readonly Option<bool> Clean = new("--clean") { Description = "Look at the clean images instead." };
    private static readonly Option<int> Shown = new("--shown") { Description = "Images, from the first, whose maps are shown.", DefaultValueFactory = _ => 6 };
    private static readonly Option<int> Permutations = new("--permutations") { Description = "Of every permutation test.", DefaultValueFactory = _ => 999 };
    private static readonly Option<long> Seed = new("--seed") { Description = "Of noise and permutations.", DefaultValueFactory = _ => 1 };

    public static Command Build(IAnsiConsole console, TimeProvider time)
    {
        var command = new Command("routing", "Study a network's routing: load, edges, coherence, differences between images.") { ModelOptions.Checkpoint, Data, Range, Sigma, Clean, Shown, Permutations, Seed, ExperimentOptions.Output, ModelOptions.Threads };
        command.SetAction((parsed, cancellationToken) => Task.FromResult(Run(parsed, console, time, cancellationToken)));
        return command;
    }

    private static int Run(ParseResult parsed, IAnsiConsole console, TimeProvider time, CancellationToken cancellationToken)
    {
        var settings = new RoutingStudySettings
        {
            Checkpoint = parsed.GetValue(ModelOptions.Checkpoint)!.FullName, Data = parsed.GetValue(Data)!, Range = parsed.GetValue(Range) is { } range ? IndexRange.Parse(range) : null,
            Sigma = Parsing.Sigma(parsed.GetValue(Sigma)!), Clean = parsed.GetValue(Clean), Shown = parsed.GetValue(Shown), Permutations = parsed.GetValue(Permutations), Seed = parsed.GetValue(Seed), Threads = parsed.GetValue(ModelOptions.Threads),
        };
        var folder = new ExperimentFolder(parsed.GetValue(ExperimentOptions.Output)!.FullName);
        ExperimentView.Show(console, "routing", folder, progress => new RoutingStudy(settings, folder, time, progress).Run(cancellationToken));
        return 0;
    }
}
