using System.ComponentModel.DataAnnotations;
using DenoiseService.Api.Settings;
using Npgsql;

namespace DenoiseService.Api.Storage;

/// <summary>Where jobs, models and keys are kept. Messages name the setting and never show a path or a connection string.</summary>
internal sealed class StorageOptions : IValidatableObject
{
    /// <summary>The section of the settings.</summary>
    public const string Section = "Storage";

    /// <summary>The value of Provider for one file in the data folder.</summary>
    public const string Sqlite = "Sqlite";

    /// <summary>The value of Provider for a server shared by any number of processes.</summary>
    public const string PostgreSql = "PostgreSql";

    /// <summary>Which database: "Sqlite" or "PostgreSql". Default "Sqlite".</summary>
    [AllowedValues(Sqlite, PostgreSql, ErrorMessage = "must be Sqlite or PostgreSql.")]
    public string Provider { get; set; } = Sqlite;

    /// <summary>Folder of the SQLite file and of whatever else a process keeps, made if absent; relative to the current directory. Default "data".</summary>
    [Required(ErrorMessage = "is empty; it must be a folder.")]
    public string DataFolder { get; set; } = "data";

    /// <summary>For PostgreSql: as Npgsql takes it, for instance "Host=db;Database=denoise;Username=denoise;Password=…". Default none.</summary>
    public string? ConnectionString { get; set; }

    /// <summary>Seconds between two looks at the database: how late "ready" notices that it is gone, or back. 0.1 to 3,600; default 5.</summary>
    [Bounds(0.1, 3600)]
    public double CheckSeconds { get; set; } = 5;

    /// <summary>Full path of the data folder.</summary>
    public string Folder => Path.GetFullPath(DataFolder);

    /// <summary>Full path of the SQLite file.</summary>
    public string SqliteFile => Path.Combine(Folder, "denoise.db");

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Provider == Sqlite && !string.IsNullOrEmpty(ConnectionString)) yield return About("is set, but Storage:Provider is Sqlite, which takes only Storage:DataFolder.");
        if (Provider == PostgreSql && string.IsNullOrWhiteSpace(ConnectionString)) yield return About("is empty; PostgreSql needs one.");
        else if (Provider == PostgreSql && !IsConnectionString(ConnectionString)) yield return About("is not a connection string of PostgreSQL that names a Host.");
    }

    private static bool IsConnectionString(string? text)
    {
        try
        {
            return new NpgsqlConnectionStringBuilder(text).Host is { Length: > 0 };
        }
        catch (Exception e) when (e is ArgumentException or FormatException or InvalidCastException or KeyNotFoundException)
        {
            return false;
        }
    }

    private static ValidationResult About(string sentence) => new(sentence, [nameof(ConnectionString)]);
}
