using System.CommandLine;
using DenoiseService.Model;
using Spectre.Console;

namespace DenoiseService.Training.CommandLine;

/// <summary>The options of every command that runs a trained network.</summary>
internal static class ModelOptions
{
    public static readonly Option<FileInfo> Checkpoint = new("--checkpoint") { Description = "Weights (.safetensors), with or without a card beside them.", Required = true };

    public static readonly Option<int> Overlap = new("--overlap") { Description = "Pixels that neighbouring tiles share at least.", DefaultValueFactory = _ => new DenoiserOptions().Overlap };

    public static readonly Option<int> Tile = new("--tile") { Description = "Side in pixels of the largest tile of a windowed network.", DefaultValueFactory = _ => new DenoiserOptions().MaxTileSide };

    public static readonly Option<string> Mode = new("--mode") { Description = "normal, or high: the mean over 8 turns and flips of every tile, in about 8 times the time.", DefaultValueFactory = _ => "normal" };

    public static readonly Option<Precision> Precision = new("--precision") { Description = "Numbers of the network: Float32, or BFloat16 where the processor has such products.", DefaultValueFactory = _ => Model.Precision.Float32 };

    public static readonly Option<int> Threads = new("--threads") { Description = "Threads that run the network.", DefaultValueFactory = _ => Environment.ProcessorCount };

    /// <summary>Loads the checkpoint into an engine, which the caller disposes.</summary>
    /// <exception cref="FormatException">An option is out of range.</exception>
    public static (Denoiser Denoiser, string Sha256) Open(ParseResult parsed)
    {
        int threads = Parsing.Threads(parsed.GetValue(Threads));
        var (network, card) = Model.Checkpoint.Load(parsed.GetValue(Checkpoint)!.FullName);
        try
        {
            return (new Denoiser(network, new DenoiserOptions { Overlap = parsed.GetValue(Overlap), MaxTileSide = parsed.GetValue(Tile), Threads = threads, Precision = parsed.GetValue(Precision) }), card.Sha256);
        }
        catch (ArgumentOutOfRangeException e)
        {
            network.Dispose();
            throw new FormatException($"An option is out of range: {e.Message}");
        }
    }
}

/// <summary>A bar from 0 to 1 on a terminal, nothing elsewhere.</summary>
internal static class ProgressBar
{
    public static T Show<T>(IAnsiConsole console, string what, Func<IProgress<double>, T> run)
    {
        if (!console.Profile.Capabilities.Interactive) return run(new Quiet());
        return console.Progress().Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn()).Start(context => run(new Bar(context.AddTask(what, maxValue: 1))));
    }

    private sealed class Bar(ProgressTask task) : IProgress<double>
    {
        public void Report(double value) => task.Value = value;
    }

    private sealed class Quiet : IProgress<double>
    {
        public void Report(double value)
        {
        }
    }
}
