using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using DenoiseService.Model;
using DenoiseService.Training.Experiments.Figures;

namespace DenoiseService.Training.Experiments;

/// <summary>One table of a report: the same rows become Markdown and CSV.</summary>
/// <param name="Title">Heading above it.</param>
/// <param name="Columns">Names, with the unit.</param>
public sealed record ReportTable(string Title, IReadOnlyList<string> Columns)
{
    private readonly List<string[]> _rows = [];

    /// <summary>Cells as text, one a column.</summary>
    public IReadOnlyList<string[]> Rows => _rows;

    /// <summary>Adds a row; numbers are written as they are, so round or format them first.</summary>
    public void Add(params object?[] cells)
    {
        if (cells.Length != Columns.Count) throw new ArgumentException($"{cells.Length} cells for {Columns.Count} columns.", nameof(cells));
        _rows.Add(cells.Select(c => Convert.ToString(c, CultureInfo.InvariantCulture) ?? "").ToArray());
    }

    internal string ToMarkdown()
    {
        var text = new StringBuilder($"## {Title}\n\n");
        text.Append("| ").AppendJoin(" | ", Columns).Append(" |\n|").Insert(text.Length, " --- |", Columns.Count).Append('\n');
        foreach (string[] row in _rows) text.Append("| ").AppendJoin(" | ", row.Select(c => c.Replace("|", "\\|", StringComparison.Ordinal))).Append(" |\n");
        return text.ToString();
    }

    internal string ToCsv()
    {
        return string.Concat(_rows.Prepend([.. Columns]).Select(row => string.Join(',', row.Select(Cell)) + "\n"));

        static string Cell(string text) => text.AsSpan().IndexOfAny(",\"\n") < 0 ? text : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
    }
}

/// <summary>Where an experiment keeps what it has done and writes what came out: report.md, results.json, results.csv and figures.</summary>
/// <param name="path">Created when first written to.</param>
public sealed class ExperimentFolder(string path)
{
    /// <summary>How results are written as JSON.</summary>
    public static JsonSerializerOptions Json { get; } = new(JsonSerializerDefaults.Web) { WriteIndented = true, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    /// <summary>The folder.</summary>
    public string Path { get; } = path;

    /// <summary>A file or folder in it.</summary>
    public string File(params string[] names) => System.IO.Path.Combine([Path, .. names]);

    /// <summary>Reads a piece of work that an earlier session finished.</summary>
    /// <param name="file">Where it is.</param>
    /// <param name="name">What a message calls the file.</param>
    /// <param name="measured">What is done again without it.</param>
    /// <exception cref="RecipeException">It is damaged.</exception>
    internal static T Read<T>(string file, string name, string measured)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(System.IO.File.ReadAllBytes(file), Json)!;
        }
        catch (JsonException e)
        {
            throw new RecipeException("output", $"{name} in the output folder cannot be read: {e.Message} Delete it, and {measured} is measured again.");
        }
    }

    /// <summary>Writes the three files. A report of unfinished work says so before anything else, whatever its text is.</summary>
    /// <param name="title">Heading of the report.</param>
    /// <param name="record">How it was made.</param>
    /// <param name="body">Markdown between the record and the tables.</param>
    /// <param name="tables">The first one becomes results.csv.</param>
    /// <param name="results">Becomes results.json, beside the record.</param>
    /// <param name="figures">Names without extension of figures in the folder, each PNG and SVG, with its caption.</param>
    public void Write(string title, ExperimentRecord record, string body, IReadOnlyList<ReportTable> tables, object results, params (string Name, string Caption)[] figures)
    {
        var text = new StringBuilder($"# {title}\n\n");
        if (!record.Finished) text.Append("**Unfinished: the run was stopped before its end. What follows is what was done until then; run the same command again to go on.**\n\n");
        text.Append(record.ToMarkdown()).Append('\n');
        if (body.Length > 0) text.Append(body.TrimEnd()).Append("\n\n");
        text.AppendJoin('\n', tables.Select(t => t.ToMarkdown()));
        foreach ((string name, string caption) in figures) text.Append(CultureInfo.InvariantCulture, $"\n![{caption}]({name}.png)\n");
        if (figures.Length > 0 && !FigureFile.HasFonts) text.Append(CultureInfo.InvariantCulture, $"\n{FigureFile.FontNote}\n");
        AtomicFile.Write(File("report.md"), Encoding.UTF8.GetBytes(text.ToString()));
        AtomicFile.Write(File("results.csv"), Encoding.UTF8.GetBytes(tables[0].ToCsv()));
        AtomicFile.Write(File("results.json"), JsonSerializer.SerializeToUtf8Bytes(new { record, results }, Json));
    }
}
