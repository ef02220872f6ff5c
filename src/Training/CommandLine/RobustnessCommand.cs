using System.CommandLine;
using DenoiseService.Training.Experiments;
using Spectre.Console;

namespace DenoiseService.Training.CommandLine;

/// <summary>denoise robustness: one noise level in training against many.</summary>
internal static class RobustnessCommand
{
    private static readonly Option<string> RecipeName = new("--recipe") { Description = "How both networks are trained, but for σ: a recipe by name or a JSON file.", DefaultValueFactory = _ => "released-robustness" };
    private static readonly Option<string> Fixed = new("--fixed") { Description = "Noise level of the fixed network.", DefaultValueFactory = _ => "0.2" };
    private static readonly Option<string> Variable = new("--variable") { Description = "Range of the variable network, MIN-MAX.", DefaultValueFactory = _ => "0.1-0.3" };
    private static readonly Option<string> Sigma = new("--sigma") { Description = "Noise levels of the test.", DefaultValueFactory = _ => "0.05,0.1,0.15,0.2,0.25,0.3,0.35" };

    public static Command Build(IAnsiConsole console, TimeProvider time)
    {
        var command = new Command("robustness", "Compare training at one noise level with training at many. Ctrl-C saves; the same command goes on.")
        {
            ExperimentOptions.Cifar, ExperimentOptions.Train, ExperimentOptions.Validation, ExperimentOptions.Test, ExperimentOptions.Output, ExperimentOptions.Seeds, ExperimentOptions.Epochs, ExperimentOptions.Workers,
            RecipeName, Fixed, Variable, Sigma,
        };
        command.SetAction((parsed, cancellationToken) => Task.FromResult(Run(parsed, console, time, cancellationToken)));
        return command;
    }

    private static int Run(ParseResult parsed, IAnsiConsole console, TimeProvider time, CancellationToken cancellationToken)
    {
        (double least, double most) = Parsing.SigmaRange(parsed.GetValue(Variable)!);
        var settings = new RobustnessSettings
        {
            Data = ExperimentOptions.DataOf(parsed),
            Recipe = ExperimentOptions.RecipeOf(parsed.GetValue(RecipeName)!, parsed.GetValue(ExperimentOptions.Epochs)),
            FixedSigma = Parsing.Sigma(parsed.GetValue(Fixed)!),
            VariableMin = least,
            VariableMax = most,
            Sigmas = Parsing.Sigmas(parsed.GetValue(Sigma)!),
            Seeds = ExperimentOptions.SeedsOf(parsed),
            Workers = ExperimentOptions.WorkersOf(parsed),
        };
        var folder = new ExperimentFolder(parsed.GetValue(ExperimentOptions.Output)!.FullName);
        ExperimentView.Show(console, "robustness", folder, progress => new Robustness(settings, folder, time, progress).Run(cancellationToken));
        return 0;
    }
}
