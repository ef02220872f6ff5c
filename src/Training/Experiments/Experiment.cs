using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.Json.Serialization;
using DenoiseService.Training.Data;

namespace DenoiseService.Training.Experiments;

/// <summary>How far an experiment is.</summary>
/// <param name="Stage">What it does now, for people.</param>
/// <param name="Fraction">Of the whole work, 0 to 1, by estimated cost.</param>
/// <param name="Remaining">Estimate from the speed of this session; null before there is one.</param>
public sealed record ExperimentProgress(string Stage, double Fraction, TimeSpan? Remaining);

/// <summary>The images of an experiment: three ranges of one CIFAR-10 folder that must not overlap.</summary>
public sealed record ExperimentData
{
    /// <summary>Folder with the archive's binary files; in a job of the service the name of a data set.</summary>
    /// <example>sample</example>
    public required string Path { get; init; }

    /// <summary>What records call it; null: by the name of its folder. With it an experiment goes on in another place, where the same images have another path.</summary>
    [JsonIgnore]
    public string? Name { get; init; }

    /// <summary>Records to train on.</summary>
    public string Train { get; init; } = "0-2999";

    /// <summary>Records that choose the best epoch.</summary>
    public string Validation { get; init; } = "3000-3499";

    /// <summary>Records that are measured.</summary>
    public string Test { get; init; } = "3500-3999";

    /// <summary>The report's 5,000/1,000/1,000 of an archive that holds them, else 75 %, 12.5 % and 12.5 % of what there is (3,000/500/500 of 4,000).</summary>
    /// <exception cref="DataSetException">No archive there, or fewer than 8 images.</exception>
    public static ExperimentData Of(string path)
    {
        int count = CifarArchive.Count(path);
        if (count < 8) throw new DataSetException($"{path} holds {count} images; an experiment needs at least 8 to split.");
        (int train, int held) = count >= 7000 ? (5000, 1000) : (count * 3 / 4, count / 8);
        return new ExperimentData { Path = path, Train = $"0-{train - 1}", Validation = $"{train}-{train + held - 1}", Test = $"{train + held}-{train + 2 * held - 1}" };
    }

    /// <summary>This, if no two ranges share a record.</summary>
    /// <exception cref="RecipeException">Names the two ranges that overlap.</exception>
    public ExperimentData Validated()
    {
        (string Name, IndexRange Range)[] ranges = [(nameof(Train), IndexRange.Parse(Train)), (nameof(Validation), IndexRange.Parse(Validation)), (nameof(Test), IndexRange.Parse(Test))];
        for (int a = 0; a < ranges.Length; a++)
        {
            for (int b = a + 1; b < ranges.Length; b++)
            {
                bool apart = ranges[a].Range.Last < ranges[b].Range.First || ranges[b].Range.Last < ranges[a].Range.First;
                if (!apart) throw new RecipeException(ranges[b].Name, $"{ranges[b].Name} is {ranges[b].Range}; it must share no record with {ranges[a].Name} ({ranges[a].Range}).");
            }
        }

        return this;
    }

    /// <summary>The split in words, for a record; no path.</summary>
    internal string Description => $"CIFAR-10 records {Train} to train, {Validation} to choose the epoch, {Test} measured";

    internal DataSource TrainSource => new() { Path = Path, Range = Train };

    internal DataSource ValidationSource => new() { Path = Path, Range = Validation };

    /// <summary>The source as a run's record has it: no folder of a machine.</summary>
    internal DataSource Named(DataSource source) => source with { Path = Name ?? System.IO.Path.GetFileName(System.IO.Path.TrimEndingDirectorySeparator(Path)) };

    internal PatchSet TestSet() => CifarArchive.Read(Path, IndexRange.Parse(Test));
}

/// <summary>What makes the numbers of an experiment repeatable, or at least comparable. Part of every results.json and report.md.</summary>
public sealed record ExperimentRecord
{
    /// <summary>Such as "ablation".</summary>
    public required string Experiment { get; init; }

    /// <summary>False while work is left: such a report says so in its first line.</summary>
    public required bool Finished { get; init; }

    /// <summary>Which images, in words, with their ranges. Folder names only, no path of the machine.</summary>
    public required string Data { get; init; }

    /// <summary>sha256 of the pixels that were measured; null where there are none.</summary>
    public string? DataSha256 { get; init; }

    /// <summary>Whether noisy images were clamped to [0, 1], results rounded to 8 bits.</summary>
    public string Noise { get; init; } = "Gaussian, clamped to [0, 1]; results not rounded";

    /// <summary>Over which channels the scores are taken.</summary>
    public string Channels { get; init; } = "PSNR over RGB together, SSIM mean over R, G, B";

    /// <summary>Seeds of the trainings, or of whatever else is random.</summary>
    public IReadOnlyList<long> Seeds { get; init; } = [];

    /// <summary>Noise levels in units of 1.</summary>
    public IReadOnlyList<double> Sigmas { get; init; } = [];

    /// <summary>Processor, cores, memory, system, runtime.</summary>
    public string Machine { get; init; } = MachineFacts.Describe();

    /// <summary>Of the program: version and, where known, commit.</summary>
    public string Program { get; init; } = MachineFacts.Program;

    /// <summary>When this report was written, UTC.</summary>
    public required DateTimeOffset WrittenAt { get; init; }

    /// <summary>Computing time of everything in it, over all sessions, in hours of wall clock.</summary>
    public double Hours { get; init; }

    /// <summary>The record as lines of Markdown.</summary>
    internal string ToMarkdown() => string.Join('\n',
        $"- Data: {Data}{(DataSha256 is null ? "" : $" (sha256 of the measured pixels {DataSha256[..12]}…)")}",
        $"- Noise: {Noise}. Channels: {Channels}.",
        $"- Seeds: {string.Join(", ", Seeds)}.{(Sigmas.Count == 0 ? "" : $" σ: {string.Join(", ", Sigmas.Select(s => s.ToString("0.####", CultureInfo.InvariantCulture)))}.")}",
        $"- Machine: {Machine}. Program: {Program}.",
        string.Create(CultureInfo.InvariantCulture, $"- Written {WrittenAt:u}; {Hours:F2} hours of computing."),
        "");
}

/// <summary>What the program knows about where it runs.</summary>
internal static class MachineFacts
{
    public static string Program { get; } = typeof(MachineFacts).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    public static string Describe()
    {
        long memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes >> 30;
        return $"{Processor()}, {Environment.ProcessorCount} cores, {memory} GiB, {RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}";
    }

    private static string Processor()
    {
        const string facts = "/proc/cpuinfo";
        string? line = File.Exists(facts) ? File.ReadLines(facts).FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal)) : null;
        return line?.Split(':', 2)[1].Trim() ?? RuntimeInformation.ProcessArchitecture.ToString();
    }
}
