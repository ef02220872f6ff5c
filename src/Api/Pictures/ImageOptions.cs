using DenoiseService.Api.Settings;
using DenoiseService.Imaging;

namespace DenoiseService.Api.Pictures;

/// <summary>What a picture may cost and how it is written.</summary>
internal sealed class ImageOptions
{
    /// <summary>The section of the settings.</summary>
    public const string Section = "Images";

    /// <summary>What a multipart body may have beside its picture: boundaries, part headers, form fields. Bytes.</summary>
    public const int EnvelopeBytes = 64 << 10;

    /// <summary>Bytes of an uploaded picture. 1,024 to 1,073,741,824; default 67,108,864 (64 MiB).</summary>
    [Bounds(1024, 1 << 30)]
    public long MaxBytes { get; set; } = 64 << 20;

    /// <summary>Width × height, in 10⁶ pixels. 0.001 to 700; default 64.</summary>
    [Bounds(0.001, 700)]
    public double MaxMegapixels { get; set; } = 64;

    /// <summary>Pixels of the longer side. 16 to 1,000,000; default 65,535.</summary>
    [Bounds(16, 1_000_000)]
    public int MaxSide { get; set; } = 65_535;

    /// <summary>Frames or pages of a file, of which the first is denoised. 1 to 10,000; default 1: a picture that would lose its other pages is refused.</summary>
    [Bounds(1, 10_000)]
    public int MaxFrames { get; set; } = 1;

    /// <summary>Quality of lossy output. 1 to 100; default 92.</summary>
    [Bounds(1, 100)]
    public int Quality { get; set; } = 92;

    /// <summary>Pictures that are decoded, encoded, compared or summed up at one time. 1 to 1,024; default the processor's count.</summary>
    [Bounds(1, 1024)]
    public int MaxConcurrentCodecs { get; set; } = Environment.ProcessorCount;

    /// <summary>For the codec.</summary>
    public DecodeLimits ToLimits() => new(MaxBytes, MaxMegapixels, MaxFrames, MaxSide);
}
