using System.ComponentModel.DataAnnotations;

namespace DenoiseService.Api.Models;

/// <summary>Which models are served.</summary>
internal sealed class ModelsOptions
{
    /// <summary>The section of the settings.</summary>
    public const string Section = "Models";

    /// <summary>Folder of the weights, NAME.safetensors each with its card NAME.json; relative to the program. Default "models".</summary>
    [Required(ErrorMessage = "is empty; it must be a folder.")]
    public string Folder { get; set; } = "models";

    /// <summary>The model that answers requests which name none: a file's name without its extension, at most 100 of letters, digits, dot, dash, underscore. Default "denoise-small".</summary>
    [Required(ErrorMessage = "is empty; it must be the name of a model.")]
    [RegularExpression("[A-Za-z0-9._-]{1,100}", ErrorMessage = "must be 1 to 100 letters, digits, dots, dashes and underscores.")]
    public string Default { get; set; } = "denoise-small";
}
