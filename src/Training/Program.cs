using System.CommandLine;
using DenoiseService.Model;
using DenoiseService.Training.CommandLine;
using Spectre.Console;

OpenMp.SleepSoon();
IAnsiConsole console = AnsiConsole.Console;
// Results go to the standard output, progress and errors beside it, so that the first can be piped.
IAnsiConsole beside = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
var root = new RootCommand("Train, evaluate and run the denoiser.")
{
    TrainCommand.Build(beside, TimeProvider.System),
    AverageCommand.Build(console),
    EvaluateCommand.Build(console, beside, TimeProvider.System),
    AblateCommand.Build(beside, TimeProvider.System),
    RobustnessCommand.Build(beside, TimeProvider.System),
    ScalingCommand.Build(beside, TimeProvider.System),
    RoutingCommand.Build(beside, TimeProvider.System),
    ReproduceCommand.Build(beside, TimeProvider.System),
    DenoiseCommand.Build(beside, TimeProvider.System),
};
return await CommandRunner.RunAsync(root, args, beside);
