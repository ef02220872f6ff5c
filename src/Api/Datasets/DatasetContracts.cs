using System.Text.Json.Serialization;

namespace DenoiseService.Api.Datasets;

/// <summary>A data set that jobs can name.</summary>
/// <param name="Name" example="birds">What requests call it.</param>
/// <param name="Kind" example="uploaded">sample (ships with the service), cifar10 (a folder of the machine) or uploaded.</param>
public sealed record DatasetInfo(string Name, string Kind)
{
    /// <summary>Pictures; null where that is not known.</summary>
    /// <example>120</example>
    public int? Pictures { get; init; }

    /// <summary>Bytes of all pictures together.</summary>
    /// <example>48000000</example>
    public long? Bytes { get; init; }

    /// <summary>Over the checksums of its pictures, in their order: what a job records.</summary>
    public string? Sha256 { get; init; }

    /// <summary>When it was uploaded.</summary>
    public DateTimeOffset? CreatedAt { get; init; }

    /// <summary>What became of every file of the upload; in the answer for one data set only.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<FileReport>? Files { get; init; }
}

/// <summary>What became of one file of an upload.</summary>
/// <param name="File" example="owls/barn.jpg">Its name in the archive.</param>
/// <param name="Status" example="stored">stored, duplicate, refused or skipped.</param>
/// <param name="Reason">Why not stored.</param>
public sealed record FileReport(string File, string Status, string? Reason = null);

/// <summary>All data sets, by name.</summary>
/// <param name="Datasets">Built-in and uploaded ones.</param>
public sealed record DatasetList(IReadOnlyList<DatasetInfo> Datasets);
