using System.Text.Json;
using DenoiseService.Api.Errors;
using DenoiseService.Api.Storage;

namespace DenoiseService.Api.Models;

/// <summary>Whether a version is good enough to become champion, by one number among the metrics of its card.</summary>
internal static class ModelGate
{
    /// <summary>The rule that a version breaks; null if it breaks none.</summary>
    /// <param name="options">The rules.</param>
    /// <param name="version">What shall become champion.</param>
    /// <param name="champion">What is; null if nothing is.</param>
    public static ApiException? Refusal(ModelsOptions options, ModelVersion version, ModelVersion? champion)
    {
        if (options.GateMetric is not { Length: > 0 } metric) return null;
        double? least = options.GateLeast;
        string rule = "Models:GateLeast";
        if (options.GateMaxLoss is { } loss && champion is not null && Value(champion, metric) is { } present && !(present - loss <= least))
        {
            (least, rule) = (present - loss, "Models:GateMaxLoss below the champion's");
        }

        if (least is not { } limit) return null;
        double? actual = Value(version, metric);
        if (actual >= limit) return null;
        string found = actual is { } number ? FormattableString.Invariant($"is {number}") : "is not a number among its card's metrics";
        return new ApiException(ProblemKind.GateRefused, FormattableString.Invariant($"Model {version.Name} (version {version.Id}) may not become champion: {metric} {found}; it must be at least {limit} ({rule}). Only force with a reason gets past this."))
        {
            Parameter = metric,
            Limit = limit,
            Actual = actual,
        };
    }

    private static double? Value(ModelVersion version, string metric)
    {
        using JsonDocument metrics = JsonDocument.Parse(version.Metrics ?? "{}");
        return metrics.RootElement.TryGetProperty(metric, out JsonElement value) && value.ValueKind == JsonValueKind.Number && double.IsFinite(value.GetDouble()) ? value.GetDouble() : null;
    }
}
