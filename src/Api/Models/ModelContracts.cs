using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using DenoiseService.Model;

namespace DenoiseService.Api.Models;

/// <summary>One model that the service has.</summary>
/// <param name="Id" example="denoise-small">What `?model=` takes.</param>
/// <param name="State" example="ready">loading, ready or failed.</param>
/// <param name="IsDefault" example="true">Whether it answers requests that name none.</param>
public sealed record ModelInfo(string Id, ModelState State, bool IsDefault)
{
    /// <summary>Why it was refused, if it was.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Error { get; init; }

    /// <summary>As in the header X-Model-Version: id and the beginning of the checksum.</summary>
    /// <example>denoise-small@3f1c2b9d8e07</example>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Version { get; init; }

    /// <summary>Checksum of the weights.</summary>
    /// <example>3f1c2b9d8e0755a1c86f0be1b7a4c1f2d3e4f5061728394a5b6c7d8e9f001122</example>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Sha256 { get; init; }

    /// <summary>Trained numbers in the network.</summary>
    /// <example>599689</example>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Parameters { get; init; }

    /// <summary>Shape of the network.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ModelConfig? Config { get; init; }

    /// <summary>The run that made the weights.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public JsonObject? Training { get; init; }

    /// <summary>What was measured on the weights.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public JsonObject? Metrics { get; init; }

    internal static ModelInfo Of(ModelEntry entry, string defaultId) => new(entry.Id, entry.State, entry.Id == defaultId)
    {
        Error = entry.Error,
        Version = entry.Served?.Version,
        Sha256 = entry.Card?.Sha256,
        Parameters = entry.Parameters,
        Config = entry.Card?.Config,
        Training = entry.Card?.Training,
        Metrics = entry.Card?.Metrics,
    };
}

/// <summary>All models, by id.</summary>
/// <param name="Models">The models of the folder, damaged ones included.</param>
/// <param name="Default" example="denoise-small">The one that answers requests which name none.</param>
public sealed record ModelList(IReadOnlyList<ModelInfo> Models, string Default);
