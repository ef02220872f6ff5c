using System.Text.Json.Serialization;
using DenoiseService.Api.Serving;
using DenoiseService.Model;

namespace DenoiseService.Api.Models;

/// <summary>How far a model is.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ModelState>))]
public enum ModelState
{
    /// <summary>Its file is being read, checked and warmed up.</summary>
    [JsonStringEnumMemberName("loading")] Loading,

    /// <summary>It answers requests.</summary>
    [JsonStringEnumMemberName("ready")] Ready,

    /// <summary>It was refused; the error says why.</summary>
    [JsonStringEnumMemberName("failed")] Failed,
}

/// <summary>What the service knows of one file in the models folder.</summary>
internal sealed record ModelEntry(string Id, ModelState State)
{
    public string? Error { get; init; }

    public CheckpointCard? Card { get; init; }

    public long? Parameters { get; init; }

    /// <summary>Forward passes before the model was called ready.</summary>
    public int WarmUpBatches { get; init; }

    /// <summary>There once ready.</summary>
    public ServedModel? Served { get; init; }
}
