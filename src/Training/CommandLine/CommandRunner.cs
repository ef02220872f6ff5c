using System.CommandLine;
using DenoiseService.Imaging;
using DenoiseService.Model;
using DenoiseService.Training.Data;
using Spectre.Console;

namespace DenoiseService.Training.CommandLine;

/// <summary>Runs a command line and turns the errors a user can cause into one line and an exit code: 1 error, 130 cancelled.</summary>
internal static class CommandRunner
{
    public static async Task<int> RunAsync(RootCommand root, string[] args, IAnsiConsole errors)
    {
        using var cancelled = new CancellationTokenSource();
        Console.CancelKeyPress += (_, e) =>
        {
            e.Cancel = true;
            cancelled.Cancel();
        };
        using var terminated = System.Runtime.InteropServices.PosixSignalRegistration.Create(System.Runtime.InteropServices.PosixSignal.SIGTERM, context =>
        {
            context.Cancel = true;
            cancelled.Cancel();
        });
        try
        {
            return await root.Parse(args).InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }, cancelled.Token);
        }
        catch (OperationCanceledException)
        {
            errors.WriteLine("Cancelled.");
            return 130;
        }
        catch (Exception e) when (e is RecipeException or ModelConfigException or CheckpointException or DataSetException or ImagingException or TrainingDivergedException or NonFiniteOutputException or FormatException or IOException or UnauthorizedAccessException)
        {
            errors.WriteLine($"Error: {e.Message}");
            return 1;
        }
    }
}
