using System.Text;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using DenoiseService.Api.Storage;
using DenoiseService.Model;

namespace DenoiseService.Api.Models;

/// <summary>How far a version is on the process that answers.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ModelState>))]
public enum ModelState
{
    /// <summary>The champion whose weights are being read, checked and warmed up.</summary>
    [JsonStringEnumMemberName("loading")] Loading,

    /// <summary>Loaded: it answers at once.</summary>
    [JsonStringEnumMemberName("ready")] Ready,

    /// <summary>The champion, but it was refused; the error says why, and the one before it goes on answering.</summary>
    [JsonStringEnumMemberName("failed")] Failed,

    /// <summary>In the database; the first request that names it loads it.</summary>
    [JsonStringEnumMemberName("stored")] Stored,
}

/// <summary>One version of a model: weights that never change, and where they came from.</summary>
/// <param name="Id" example="019ab6a0c2f1748d9b6d1d6f2c3e4a5b">What `?model=` takes, beside aliases and names.</param>
/// <param name="Name" example="denoise-small">For people; several versions may share it.</param>
/// <param name="State" example="ready">stored, loading, ready or failed, on the process that answers.</param>
/// <param name="IsDefault" example="true">Whether it is the champion, which answers requests that name none.</param>
/// <param name="Aliases">Those that point here: champion, candidate, previous.</param>
/// <param name="Version" example="denoise-small@3f1c2b9d8e07">As in the header X-Model-Version: name and the beginning of the checksum.</param>
/// <param name="Sha256" example="3f1c2b9d8e0755a1c86f0be1b7a4c1f2d3e4f5061728394a5b6c7d8e9f001122">Checksum of the weights.</param>
/// <param name="Length" example="2297928">Bytes of the weights.</param>
/// <param name="Parameters" example="572860">Trained numbers in the network.</param>
/// <param name="CreatedAt">When it was registered.</param>
/// <param name="Config">Shape of the network.</param>
/// <param name="Training">The run that made the weights.</param>
/// <param name="Metrics">What was measured on the weights.</param>
public sealed record ModelInfo(
    string Id, string Name, ModelState State, bool IsDefault, IReadOnlyList<string> Aliases, string Version, string Sha256, long Length, long Parameters, DateTimeOffset CreatedAt, ModelConfig Config, JsonObject Training, JsonObject Metrics)
{
    /// <summary>Why it was refused, if it was.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Error { get; init; }

    /// <summary>Of the training run, if the card tells.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Seed { get; init; }

    /// <summary>Of the training data, if the card tells; of the list of checksums where there were several sets.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? DataChecksum { get; init; }

    /// <summary>Of the program that trained it, if the card tells.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Commit { get; init; }

    /// <summary>The job that made it, if one did.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? SourceJobId { get; init; }

    internal static ModelInfo Of(ModelVersion version, ModelState state, IReadOnlyList<string> aliases)
    {
        CheckpointCard card = Checkpoint.ParseCard(Encoding.UTF8.GetBytes(version.Card), version.Name);
        return new ModelInfo(
            version.Id, version.Name, state, aliases.Contains(ModelNames.Champion), aliases, ModelView.LabelOf(version), version.Sha256, version.Length, version.Parameters, version.CreatedAt, card.Config, card.Training, card.Metrics)
        {
            Seed = version.Seed,
            DataChecksum = version.DataChecksum,
            Commit = version.Commit,
            SourceJobId = version.SourceJobId,
        };
    }
}

/// <summary>A name that points to a version.</summary>
/// <param name="Name" example="champion">champion, candidate or previous.</param>
/// <param name="VersionId" example="019ab6a0c2f1748d9b6d1d6f2c3e4a5b">The version.</param>
/// <param name="UpdatedAt">When it last moved.</param>
/// <param name="Revision" example="3">Grows with every move.</param>
public sealed record AliasInfo(string Name, string VersionId, DateTimeOffset UpdatedAt, long Revision)
{
    internal static AliasInfo Of(ModelAlias alias) => new(alias.Name, alias.VersionId, alias.UpdatedAt, alias.Revision);
}

/// <summary>A shipped file that did not become a version.</summary>
/// <param name="Name" example="denoise-small">Of the file, without its extension.</param>
/// <param name="Error">What is wrong with it.</param>
public sealed record RefusedFile(string Name, string Error);

/// <summary>Versions, the newest first.</summary>
/// <param name="Models">One page of them.</param>
/// <param name="Default" example="019ab6a0c2f1748d9b6d1d6f2c3e4a5b">The champion's id; null while there is none.</param>
/// <param name="Aliases">All aliases.</param>
/// <param name="Refused">Files of the models folder that were refused by the process that answers.</param>
/// <param name="NextCursor">For `?cursor=`; null on the last page.</param>
public sealed record ModelList(IReadOnlyList<ModelInfo> Models, string? Default, IReadOnlyList<AliasInfo> Aliases, IReadOnlyList<RefusedFile> Refused, string? NextCursor);
