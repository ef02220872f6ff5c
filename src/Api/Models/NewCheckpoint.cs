using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using DenoiseService.Api.Storage;
using DenoiseService.Model;

namespace DenoiseService.Api.Models;

/// <summary>A checkpoint that may become a version.</summary>
/// <param name="Name">For people.</param>
/// <param name="Weights">The safetensors file.</param>
/// <param name="Card">Its card; null if there is none.</param>
internal sealed partial record NewCheckpoint(string Name, byte[] Weights, byte[]? Card)
{
    /// <summary>The job that made it.</summary>
    public string? SourceJobId { get; init; }

    /// <summary>Of the source that made it, where its card does not say.</summary>
    public string? Commit { get; init; }

    /// <summary>The record to store; what the card tells of its origin is also kept in columns.</summary>
    public ModelVersion ToVersion(string id, string sha256, CheckpointCard card, DateTimeOffset now) => new()
    {
        Id = id,
        Name = Name,
        Sha256 = sha256,
        Length = Weights.LongLength,
        Config = JsonSerializer.Serialize(card.Config, JsonSerializerOptions.Web),
        Card = Encoding.UTF8.GetString(Checkpoint.ToBytes(card)),
        Parameters = card.Config.Parameters,
        Metrics = card.Metrics.ToJsonString(),
        SourceJobId = SourceJobId,
        Seed = SeedOf(card.Training),
        DataChecksum = DataOf(card.Training["dataSha256"]),
        Commit = Plain(card.Training["commit"], 64) ?? Commit,
        CreatedAt = now,
    };

    private static long? SeedOf(JsonObject training)
    {
        JsonNode? seed = training["seed"] ?? (training["recipe"] as JsonObject)?["seed"];
        return seed is JsonValue value && value.TryGetValue(out long number) ? number : null;
    }

    /// <summary>One checksum, or that of the list, one a line.</summary>
    private static string? DataOf(JsonNode? data)
    {
        if (data is not JsonArray several) return Plain(data, 128);
        string?[] sets = [.. several.Select(s => Plain(s, 128))];
        if (sets.Length == 0 || sets.Contains(null)) return null;
        return sets is [var only] ? only : Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(string.Join('\n', sets))));
    }

    /// <summary>A card may hold anything; columns hold short plain text.</summary>
    private static string? Plain(JsonNode? node, int length) => node is JsonValue value && value.TryGetValue(out string? text) && text.Length <= length && PlainText().IsMatch(text) ? text : null;

    [GeneratedRegex(@"\A[A-Za-z0-9._:+-]+\z")]
    private static partial Regex PlainText();
}
