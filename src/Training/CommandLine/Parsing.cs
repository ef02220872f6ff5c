using System.Globalization;
using System.Text.RegularExpressions;
using DenoiseService.Model;
using DenoiseService.Training.Data;

namespace DenoiseService.Training.CommandLine;

/// <summary>Values as people type them.</summary>
internal static partial class Parsing
{
    /// <summary>A number of threads that a system may have.</summary>
    /// <exception cref="FormatException">It is not 1 to 1024.</exception>
    public static int Threads(int threads) => threads is >= 1 and <= 1024 ? threads : throw new FormatException($"--threads is {threads}; it must be 1 to 1024.");

    /// <summary>"0.1" or "25/255", in units of 1.</summary>
    /// <exception cref="FormatException">Not such a number, or outside 0 to 1.</exception>
    public static double Sigma(string text)
    {
        string[] parts = text.Split('/');
        if (parts.Length is 1 or 2 && parts.All(p => double.TryParse(p, NumberStyles.Float, CultureInfo.InvariantCulture, out _)))
        {
            double[] numbers = parts.Select(p => double.Parse(p, NumberStyles.Float, CultureInfo.InvariantCulture)).ToArray();
            double sigma = numbers.Length == 1 ? numbers[0] : numbers[0] / numbers[1];
            if (sigma is >= 0 and <= 1) return sigma;
        }

        throw new FormatException($"'{text}' is not a noise level: σ is 0 to 1, such as 0.1 or 25/255.");
    }

    /// <summary>One level, which is both ends, or "0.1-0.3".</summary>
    /// <exception cref="FormatException">As for one level.</exception>
    public static (double Least, double Most) SigmaRange(string text)
    {
        string[] ends = text.Split('-');
        return ends.Length <= 2 ? (Sigma(ends[0]), Sigma(ends[^1])) : throw new FormatException($"'{text}' is not a noise level or a range of them, such as 0.1 or 0.1-0.3.");
    }

    /// <summary>Comma-separated noise levels.</summary>
    public static double[] Sigmas(string text) => text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(Sigma).ToArray();

    /// <summary>Comma-separated numbers of the option <paramref name="option"/>.</summary>
    /// <exception cref="FormatException">One is no number.</exception>
    public static double[] Numbers(string option, string text) => text.Split(',', StringSplitOptions.TrimEntries)
        .Select(n => double.TryParse(n, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : throw new FormatException($"{option} is '{text}'; '{n}' is not a number.")).ToArray();

    /// <summary>"normal" or "high".</summary>
    /// <exception cref="FormatException">Neither.</exception>
    public static DenoiseMode Mode(string text) => text switch
    {
        "normal" => DenoiseMode.Normal,
        "high" => DenoiseMode.High,
        _ => throw new FormatException($"--mode is '{text}'; it must be normal or high."),
    };

    /// <summary>"PATH", followed in any order by ":0-2999" (records), "@0.2" (share of a batch), "#50000" (patches), "~2" (shrunk by that factor).</summary>
    /// <exception cref="FormatException">Another form.</exception>
    public static DataSource Source(string text)
    {
        Match match = SourceForm().Match(text);
        if (!match.Success) throw new FormatException($"'{text}' is not a data source like PATH, PATH:0-2999, PATH@0.2, PATH#50000 or PATH~2.");
        var source = new DataSource { Path = match.Groups["path"].Value };
        if (match.Groups["range"].Success) source = source with { Range = match.Groups["range"].Value };
        if (match.Groups["share"].Success) source = source with { Share = double.Parse(match.Groups["share"].Value, CultureInfo.InvariantCulture) };
        if (match.Groups["patches"].Success) source = source with { Patches = int.Parse(match.Groups["patches"].Value, CultureInfo.InvariantCulture) };
        if (match.Groups["shrink"].Success) source = source with { Shrink = int.Parse(match.Groups["shrink"].Value, CultureInfo.InvariantCulture) };
        return source;
    }

    [GeneratedRegex(@"^(?<path>.+?)(:(?<range>\d{1,9}(-\d{1,9})?)|@(?<share>\d{1,9}(\.\d{1,9})?)|#(?<patches>\d{1,9})|~(?<shrink>\d{1,9}))*$")]
    private static partial Regex SourceForm();
}
