using System.Text.Json.Serialization;

namespace DenoiseService.Model;

/// <summary>How often the network looks at every tile of a picture.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<DenoiseMode>))]
public enum DenoiseMode
{
    /// <summary>Once.</summary>
    Normal,

    /// <summary>
    /// 8 times, each time in another one of the 8 turns and flips of the square; the results, turned back, are averaged: the geometric self-ensemble of Timofte, Rothe and Van Gool, "Seven
    /// ways to improve example-based single image super resolution" (CVPR 2016). Takes about 8 times the time.
    /// </summary>
    High,
}

/// <summary>What a mode means for the work.</summary>
public static class DenoiseModes
{
    /// <summary>Passes of the network over every tile.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such mode.</exception>
    public static int Passes(this DenoiseMode mode) => mode switch
    {
        DenoiseMode.Normal => 1,
        DenoiseMode.High => TurnedSquare.Turns,
        _ => throw new ArgumentOutOfRangeException(nameof(mode), mode, "There is no such mode."),
    };
}
