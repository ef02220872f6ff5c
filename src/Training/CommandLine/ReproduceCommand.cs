using System.CommandLine;
using DenoiseService.Training.Experiments;
using Spectre.Console;

namespace DenoiseService.Training.CommandLine;

/// <summary>denoise reproduce: all experiments and a verdict on each claim.</summary>
internal static class ReproduceCommand
{
    private static readonly Option<long> MainSamples = new("--main-samples") { Description = "Noisy images that the main model sees in training.", DefaultValueFactory = _ => 1_200_000 };
    private static readonly Option<FileInfo?> MainCheckpoint = new("--main-checkpoint") { Description = "Weights of the main model, instead of training it here." };
    private static readonly Option<double?> RobustnessEpochs = new("--robustness-epochs") { Description = "Instead of the robustness recipe's." };

    public static Command Build(IAnsiConsole console, TimeProvider time)
    {
        var command = new Command("reproduce", "Run all of the report's experiments and judge its claims. Takes hours; Ctrl-C saves, the same command goes on.")
        {
            ExperimentOptions.Cifar, ExperimentOptions.Train, ExperimentOptions.Validation, ExperimentOptions.Test, ExperimentOptions.Output, ExperimentOptions.Seeds, ExperimentOptions.Epochs, RobustnessEpochs, ExperimentOptions.Workers,
            MainSamples, MainCheckpoint, ScalingCommand.Sides,
        };
        command.SetAction((parsed, cancellationToken) => Task.FromResult(Run(parsed, console, time, cancellationToken)));
        return command;
    }

    private static int Run(ParseResult parsed, IAnsiConsole console, TimeProvider time, CancellationToken cancellationToken)
    {
        var settings = new ReproductionSettings
        {
            Data = ExperimentOptions.DataOf(parsed),
            Seeds = ExperimentOptions.SeedsOf(parsed),
            Workers = ExperimentOptions.WorkersOf(parsed),
            MainSamples = parsed.GetValue(MainSamples) is var samples and > 0 ? samples : throw new FormatException($"--main-samples is {parsed.GetValue(MainSamples)}; it must be above 0."),
            MainCheckpoint = parsed.GetValue(MainCheckpoint)?.FullName,
            Scaling = new ScalingSettings { Sides = ScalingCommand.Parse(parsed.GetValue(ScalingCommand.Sides)!) },
            AblationRecipe = ExperimentOptions.RecipeOf("report", parsed.GetValue(ExperimentOptions.Epochs)),
            RobustnessRecipe = ExperimentOptions.RecipeOf("released-robustness", parsed.GetValue(RobustnessEpochs)),
        };
        var folder = new ExperimentFolder(parsed.GetValue(ExperimentOptions.Output)!.FullName);
        ExperimentView.Show(console, "reproduction", folder, progress => new Reproduction(settings, folder, time, progress).Run(cancellationToken));
        return 0;
    }
}
