namespace DenoiseService.Imaging;

/// <summary>What happens to the colour profile when a picture is written.</summary>
public enum OutputColor
{
    /// <summary>The profile is embedded again, byte for byte, and the values stay.</summary>
    Keep,

    /// <summary>The values are converted to sRGB and no profile is embedded. A picture without a profile is taken to be sRGB already.</summary>
    Srgb,
}

/// <summary>How a picture is written.</summary>
public sealed record EncodeOptions
{
    /// <summary>The defaults.</summary>
    public static EncodeOptions Default { get; } = new();

    /// <summary>Quality of JPEG, lossy WebP and lossy AVIF: 1 to 100, default 92.</summary>
    public int Quality { get; init; } = 92;

    /// <summary>Colour profile: kept (default) or converted to sRGB.</summary>
    public OutputColor Color { get; init; } = OutputColor.Keep;

    /// <summary>
    /// For WebP and AVIF only. Null (default) writes WebP without loss if the source had none, and AVIF always with loss, since lossless
    /// AVIF is larger than PNG; true and false decide. PNG, TIFF and BMP are always exact, JPEG never is.
    /// </summary>
    public bool? Lossless { get; init; }
}
