using System.CommandLine;
using DenoiseService.Training.Experiments;
using Spectre.Console;

namespace DenoiseService.Training.CommandLine;

/// <summary>denoise ablate: which part of the network earns its place.</summary>
internal static class AblateCommand
{
    private static readonly Option<string> RecipeName = new("--recipe") { Description = "How every network is trained: a recipe by name or a JSON file.", DefaultValueFactory = _ => "report" };
    private static readonly Option<string[]> Variants = new("--variants") { Description = $"Of {string.Join(", ", AblationVariant.All.Select(v => v.Name))}; all if not given.", AllowMultipleArgumentsPerToken = true };
    private static readonly Option<string?> Sigma = new("--sigma") { Description = "Noise levels at which the test images are measured, the first in the table; the recipe's if not given." };

    public static Command Build(IAnsiConsole console, TimeProvider time)
    {
        var command = new Command("ablate", "Train and compare the report's networks and their controls. Ctrl-C saves; the same command goes on.")
        {
            ExperimentOptions.Cifar, ExperimentOptions.Train, ExperimentOptions.Validation, ExperimentOptions.Test, ExperimentOptions.Output, ExperimentOptions.Seeds, ExperimentOptions.Epochs, ExperimentOptions.Workers,
            RecipeName, Variants, Sigma,
        };
        command.SetAction((parsed, cancellationToken) => Task.FromResult(Run(parsed, console, time, cancellationToken)));
        return command;
    }

    private static int Run(ParseResult parsed, IAnsiConsole console, TimeProvider time, CancellationToken cancellationToken)
    {
        var settings = new AblationSettings
        {
            Data = ExperimentOptions.DataOf(parsed),
            Recipe = ExperimentOptions.RecipeOf(parsed.GetValue(RecipeName)!, parsed.GetValue(ExperimentOptions.Epochs)),
            Seeds = ExperimentOptions.SeedsOf(parsed),
            Sigmas = parsed.GetValue(Sigma) is { } sigma ? Parsing.Sigmas(sigma) : null,
            Variants = parsed.GetValue(Variants) ?? [],
            Workers = ExperimentOptions.WorkersOf(parsed),
        };
        var folder = new ExperimentFolder(parsed.GetValue(ExperimentOptions.Output)!.FullName);
        ExperimentView.Show(console, "ablation", folder, progress => new Ablation(settings, folder, time, progress).Run(cancellationToken));
        return 0;
    }
}
