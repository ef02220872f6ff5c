using System.CommandLine;
using DenoiseService.Imaging;
using DenoiseService.Model;
using DenoiseService.Training.Data;
using Spectre.Console;

namespace DenoiseService.Training.CommandLine;

/// <summary>denoise file: cleans pictures on disk.</summary>
internal static class DenoiseCommand
{
    private static readonly Argument<string[]> Inputs = new("inputs") { Description = "Pictures, or folders of pictures.", Arity = ArgumentArity.OneOrMore };
    private static readonly Option<string> Output = new("--output", "-o") { Description = "A file for one picture, otherwise a folder; made if it is not there.", Required = true };
    private static readonly Option<double> Strength = new("--strength") { Description = "0 keeps the input, 1 is the network's result.", DefaultValueFactory = _ => 1 };
    private static readonly Option<string?> Sigma = new("--sigma") { Description = "Standard deviation of the noise, 0.1 or 25/255, for a network that can be told; auto (default): the network estimates it." };
    private static readonly Option<string?> Format = new("--format") { Description = "png, jpeg, webp, tiff, bmp, avif; the input's if not given." };

    public static Command Build(IAnsiConsole beside, TimeProvider time)
    {
        var command = new Command("denoise", "Clean pictures.") { Inputs, Output, ModelOptions.Checkpoint, Strength, Sigma, ModelOptions.Mode, Format, ModelOptions.Overlap, ModelOptions.Tile, ModelOptions.Threads, ModelOptions.Precision };
        command.SetAction((parsed, cancellationToken) => Task.FromResult(Run(parsed, beside, time, cancellationToken)));
        return command;
    }

    private static int Run(ParseResult parsed, IAnsiConsole beside, TimeProvider time, CancellationToken cancellationToken)
    {
        double strength = parsed.GetValue(Strength);
        if (strength is not (>= 0 and <= 1)) throw new FormatException($"--strength is {strength}; it must be 0 to 1.");
        DenoiseMode mode = Parsing.Mode(parsed.GetValue(ModelOptions.Mode)!);
        float? sigma = parsed.GetValue(Sigma) is { } level and not "auto" ? (float)Parsing.Sigma(level) : null;
        ImageFormat? format = parsed.GetValue(Format) is not { } name ? null : ImageFormats.TryParse(name, out ImageFormat known) ? known : throw new FormatException($"--format is '{name}'; it must be png, jpeg, webp, tiff, bmp or avif.");
        string output = parsed.GetValue(Output)!;
        (string From, string To)[] files = Plan(parsed.GetValue(Inputs)!, output, format).ToArray();
        if (files.GroupBy(f => f.To).FirstOrDefault(same => same.Count() > 1) is { } clash) throw new FormatException($"{string.Join(" and ", clash.Select(f => f.From))} would both become {clash.Key}.");
        var originals = files.Select(f => Path.GetFullPath(f.From)).ToHashSet(StringComparer.Ordinal);
        if (files.FirstOrDefault(f => originals.Contains(Path.GetFullPath(f.To))).To is { } lost) throw new FormatException($"--output is {output}; {lost} is one of the pictures to clean and would be overwritten. Give another folder or file.");
        // A file's name says its format, unless --format does.
        if (format is null && files is [(_, var only)] && only == output && ImageFormats.TryParse(Path.GetExtension(output).TrimStart('.'), out ImageFormat named)) format = named;
        (Denoiser denoiser, _) = ModelOptions.Open(parsed);
        int failed = 0;
        long started = time.GetTimestamp();
        using (denoiser)
        {
            if (sigma is not null && !denoiser.Config.NoiseLevelInput) throw new FormatException(FormattableString.Invariant($"--sigma is {sigma}; it must be auto, for this network cannot be told the noise level."));
            ProgressBar.Show(beside, "denoising", progress =>
            {
                for (int i = 0; i < files.Length; i++)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    // One bad file does not stop the others.
                    try
                    {
                        Clean(denoiser, files[i].From, files[i].To, format, (float)strength, sigma, mode, cancellationToken);
                    }
                    catch (Exception e) when (e is DataSetException or ImagingException or NonFiniteOutputException)
                    {
                        failed++;
                        beside.WriteLine($"Error: {files[i].From}: {e.Message}");
                    }

                    progress.Report((i + 1.0) / files.Length);
                }

                return 0;
            });
        }

        beside.WriteLine($"{files.Length - failed} cleaned, {failed} failed, {time.GetElapsedTime(started).TotalSeconds:F1} s");
        return failed == 0 ? 0 : 1;
    }

    private static void Clean(Denoiser denoiser, string from, string to, ImageFormat? format, float strength, float? sigma, DenoiseMode mode, CancellationToken cancellationToken)
    {
        Picture picture = PhotographFolder.Read(from);
        denoiser.Denoise(picture.Samples, picture.Height, picture.Width, strength, mode: mode, sigma: sigma, cancellationToken: cancellationToken);
        AtomicFile.Write(to, ImageCodec.Encode(picture, format ?? picture.SourceFormat, new EncodeOptions(), cancellationToken));
    }

    /// <summary>Which file becomes which: folders keep their inner structure.</summary>
    private static IEnumerable<(string From, string To)> Plan(string[] inputs, string output, ImageFormat? format)
    {
        bool toFile = inputs.Length == 1 && File.Exists(inputs[0]) && !Directory.Exists(output) && Path.HasExtension(output);
        if (toFile)
        {
            yield return (inputs[0], output);
            yield break;
        }

        foreach (string input in inputs)
        {
            bool folder = Directory.Exists(input);
            if (!folder && !File.Exists(input)) throw new DataSetException($"There is no file or folder {input}.");
            foreach (string file in folder ? PhotographFolder.Files(input) : [input])
            {
                string relative = folder ? Path.GetRelativePath(input, file) : Path.GetFileName(file);
                yield return (file, Path.Combine(output, format is { } f ? Path.ChangeExtension(relative, ImageFormats.Extension(f)) : relative));
            }
        }
    }
}
