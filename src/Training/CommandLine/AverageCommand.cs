using System.CommandLine;
using DenoiseService.Model;
using Spectre.Console;

namespace DenoiseService.Training.CommandLine;

/// <summary>denoise average: the mean of the weights of several checkpoints.</summary>
internal static class AverageCommand
{
    private static readonly Argument<FileInfo[]> Checkpoints = new("checkpoints") { Description = "Weights (.safetensors) of one network, two or more; best where one training goes on from the other.", Arity = ArgumentArity.OneOrMore };
    private static readonly Option<string?> Shares = new("--shares") { Description = "One number above 0 for each, such as 0.3,0.7; equal if not given." };
    private static readonly Option<FileInfo> Output = new("--output", "-o") { Description = "The checkpoint to write, NAME.safetensors; its card stands beside it.", Required = true };

    public static Command Build(IAnsiConsole console)
    {
        var command = new Command("average", "Take the mean of the weights of several checkpoints.") { Checkpoints, Shares, Output };
        command.SetAction(parsed => Run(parsed, console));
        return command;
    }

    private static int Run(ParseResult parsed, IAnsiConsole console)
    {
        string[] files = parsed.GetValue(Checkpoints)!.Select(f => f.FullName).ToArray();
        double[] shares = parsed.GetValue(Shares) is { } text ? Parsing.Numbers("--shares", text) : Enumerable.Repeat(1.0, files.Length).ToArray();
        if (shares.Length != files.Length) throw new FormatException($"--shares has {shares.Length} numbers for {files.Length} checkpoints; it must be one for each.");
        string output = parsed.GetValue(Output)!.FullName;
        if (Path.GetExtension(output) != ".safetensors") throw new FormatException($"--output is {Path.GetFileName(output)}; it must end in .safetensors.");
        if (files.Contains(output)) throw new FormatException($"--output is {Path.GetFileName(output)}, one of the checkpoints; it would be overwritten.");
        CheckpointCard card = CheckpointMean.Write(output, files.Zip(shares).ToArray());
        console.WriteLine($"{Path.GetFileName(output)} has sha256");
        console.WriteLine(card.Sha256);
        return 0;
    }
}
