using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using DenoiseService.Imaging;
using DenoiseService.Model;
using DenoiseService.Training.Data;
using DenoiseService.Training.Experiments;
using Spectre.Console;

namespace DenoiseService.Training.CommandLine;

/// <summary>denoise evaluate: PSNR and SSIM of a checkpoint on pictures with synthetic noise.</summary>
internal static class EvaluateCommand
{
    private static readonly Option<string> Data = new("--data") { Description = "A CIFAR-10 folder or a folder of pictures.", Required = true };
    private static readonly Option<string?> Range = new("--range") { Description = "Records or pictures, such as 3000-3999." };
    private static readonly Option<string> Sigma = new("--sigma") { Description = "Noise levels, 0.05,0.2 or 15/255,25/255; 0 is the clean picture.", DefaultValueFactory = _ => "15/255,25/255,50/255" };
    private static readonly Option<bool> Clamp = new("--clamp") { Description = "Clamp noisy pictures to [0, 1]." };
    private static readonly Option<bool> Round = new("--round") { Description = "Round results to 8 bits before measuring." };
    private static readonly Option<bool> Told = new("--told") { Description = "Tell the network each noise level, if it can be told." };
    private static readonly Option<double> ToldFactor = new("--told-factor") { Description = "With --told: what the network is told, as a multiple of the noise's standard deviation.", DefaultValueFactory = _ => 1 };
    private static readonly Option<NoiseKind> Kind = new("--noise") { Description = "White, or Smoothed: correlated between neighbouring pixels, smoothed by [1 2 1] / 4 down and across and brought back to its level.", DefaultValueFactory = _ => NoiseKind.White };
    private static readonly Option<long> Seed = new("--seed") { Description = "Of the noise.", DefaultValueFactory = _ => 1 };
    private static readonly Option<DirectoryInfo?> Save = new("--save") { Description = "Folder for every noisy and cleaned picture, as PNG." };
    private static readonly Option<bool> Json = new("--json") { Description = "Print the report as JSON." };
    private static readonly JsonSerializerOptions JsonOptions = new(JsonSerializerDefaults.Web) { WriteIndented = true, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    public static Command Build(IAnsiConsole console, IAnsiConsole beside, TimeProvider time)
    {
        var command = new Command("evaluate", "Measure a checkpoint.") { ModelOptions.Checkpoint, Data, Range, Sigma, Clamp, Kind, Told, ToldFactor, Round, Seed, Save, Json, ModelOptions.Mode, ModelOptions.Overlap, ModelOptions.Tile, ModelOptions.Threads, ModelOptions.Precision };
        command.SetAction((parsed, cancellationToken) => Task.FromResult(Run(parsed, console, beside, time, cancellationToken)));
        return command;
    }

    private static int Run(ParseResult parsed, IAnsiConsole console, IAnsiConsole beside, TimeProvider time, CancellationToken cancellationToken)
    {
        var protocol = new EvaluationProtocol(parsed.GetValue(Data)!, parsed.GetValue(Range) is { } range ? IndexRange.Parse(range) : null, Parsing.Sigmas(parsed.GetValue(Sigma)!), parsed.GetValue(Clamp), parsed.GetValue(Round), parsed.GetValue(Seed), Parsing.Mode(parsed.GetValue(ModelOptions.Mode)!), parsed.GetValue(Told), parsed.GetValue(ToldFactor), parsed.GetValue(Kind)).Validated();
        (Denoiser denoiser, string sha256) = ModelOptions.Open(parsed);
        using (denoiser)
        {
            PictureSeen? saver = parsed.GetValue(Save) is { } folder ? Saver(folder.FullName) : null;
            EvaluationReport report = ProgressBar.Show(beside, "evaluating", progress => Evaluation.Report(denoiser, parsed.GetValue(ModelOptions.Checkpoint)!.Name, sha256, protocol, time, progress: progress, seen: saver, cancellationToken: cancellationToken));
            if (parsed.GetValue(Json)) console.Profile.Out.Writer.WriteLine(JsonSerializer.Serialize(report, JsonOptions));
            else Print(console, report);
        }

        return 0;
    }

    private static PictureSeen Saver(string folder) => (sigma, index, noisy, cleaned, height, width) =>
    {
        string name = string.Create(CultureInfo.InvariantCulture, $"{index:D4}-sigma{sigma * 255:0.#}");
        foreach ((string kind, float[] samples) in new[] { ("noisy", noisy), ("cleaned", cleaned) })
        {
            var picture = new Picture([.. samples.Select(s => Math.Clamp(s, 0f, 1f))], samples.Length / (height * width), height, width);
            AtomicFile.Write(Path.Combine(folder, $"{name}-{kind}.png"), ImageCodec.Encode(picture, ImageFormat.Png));
        }
    };

    private static void Print(IAnsiConsole console, EvaluationReport report)
    {
        foreach (ReportTable table in EvaluationTables.Of(report)) console.Write(View(table));
        if (report.Classical.Count > 0) console.WriteLine(ClassicalFilters.Source);
        console.WriteLine(FormattableString.Invariant($"{report.Model} {report.Sha256[..12]}, noise {report.Protocol.DescribeNoise()}; {(report.Protocol.RoundTo8Bit ? "rounded to 8 bits" : "not rounded")}, {report.DescribeRun()}, {report.Channels}, seed {report.Protocol.Seed}, {report.Seconds:F1} s"));
    }

    private static Table View(ReportTable table)
    {
        Table view = new Table().Title(Markup.Escape(table.Title)).AddColumns([.. table.Columns.Select(Markup.Escape)]);
        foreach (string[] row in table.Rows) view.AddRow([.. row.Select(Markup.Escape)]);
        return view;
    }
}
