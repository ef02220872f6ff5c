using System.ComponentModel.DataAnnotations;
using DenoiseService.Api.Settings;

namespace DenoiseService.Api.Models;

/// <summary>Which models ship, how soon promotions are followed, what may be uploaded and what may become champion.</summary>
internal sealed class ModelsOptions : IValidatableObject
{
    /// <summary>The section of the settings.</summary>
    public const string Section = "Models";

    /// <summary>Folder of the weights that ship, NAME.safetensors each with its card NAME.json; relative to the program. Registered at the start. Default "models".</summary>
    [Required(ErrorMessage = "is empty; it must be a folder.")]
    public string Folder { get; set; } = "models";

    /// <summary>The shipped model that becomes champion where there is none yet: a file's name without its extension, at most 100 of letters, digits, dot, dash, underscore. Default "denoise-small".</summary>
    [Required(ErrorMessage = "is empty; it must be the name of a model.")]
    [RegularExpression(ModelNames.Pattern, ErrorMessage = "must be 1 to 100 letters, digits, dots, dashes and underscores.")]
    public string Default { get; set; } = "denoise-small";

    /// <summary>Seconds between two looks at the champion: how late a replica begins to follow a promotion made on another. 0.05 to 3,600; default 2.</summary>
    [Bounds(0.05, 3600)]
    public double PollSeconds { get; set; } = 2;

    /// <summary>Versions beside the champion that stay loaded after a request named them; the one not used for longest goes first. 1 to 64; default 2.</summary>
    [Bounds(1, 64)]
    public int MaxLoaded { get; set; } = 2;

    /// <summary>Bytes of an uploaded checkpoint, weights and card together. 1,024 to 1,073,741,824; default 67,108,864 (64 MiB).</summary>
    [Bounds(1024, 1 << 30)]
    public long MaxUploadBytes { get; set; } = 64 << 20;

    /// <summary>A number among the card's metrics, larger for better models, that decides whether a version may become champion. Default none: every version may.</summary>
    public string? GateMetric { get; set; }

    /// <summary>The least value of that metric. Default none.</summary>
    public double? GateLeast { get; set; }

    /// <summary>By how much the metric may be below the present champion's; where that has none, this is not asked. 0 or more; default none.</summary>
    public double? GateMaxLoss { get; set; }

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (string.IsNullOrWhiteSpace(GateMetric) && (GateLeast ?? GateMaxLoss) is not null) yield return new("is empty, but GateLeast or GateMaxLoss is set.", [nameof(GateMetric)]);
        if (!string.IsNullOrWhiteSpace(GateMetric) && (GateLeast ?? GateMaxLoss) is null) yield return new("is set, but neither GateLeast nor GateMaxLoss is.", [nameof(GateMetric)]);
        if (GateLeast is { } least && !double.IsFinite(least)) yield return new($"is {least}; it must be a number.", [nameof(GateLeast)]);
        if (GateMaxLoss is { } loss && !(double.IsFinite(loss) && loss >= 0)) yield return new(FormattableString.Invariant($"is {loss}; it must be 0 or more."), [nameof(GateMaxLoss)]);
    }
}
