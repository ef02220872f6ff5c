using DenoiseService.Api.Settings;

namespace DenoiseService.Api.Datasets;

/// <summary>Pictures that jobs learn from. What a single picture may cost stands under Images.</summary>
internal sealed class DatasetsOptions
{
    /// <summary>The section of the settings.</summary>
    public const string Section = "Datasets";

    /// <summary>Folder of the CIFAR-10 archive's binary files, whole or in part: the data set "cifar10". Default none.</summary>
    public string? Cifar10Path { get; set; }

    /// <summary>Bytes of an uploaded archive. 1,024 to 17,179,869,184; default 1,073,741,824 (1 GiB).</summary>
    [Bounds(1024, 1L << 34)]
    public long MaxBytes { get; set; } = 1L << 30;

    /// <summary>Bytes of its files together, unpacked. 1,024 to 68,719,476,736; default 4,294,967,296 (4 GiB).</summary>
    [Bounds(1024, 1L << 36)]
    public long MaxUnpackedBytes { get; set; } = 4L << 30;

    /// <summary>Entries of an archive, whose list may have 1,024 bytes for each. 1 to 65,535; default 20,000.</summary>
    [Bounds(1, 65_535)]
    public int MaxFiles { get; set; } = 20_000;

    /// <summary>Width × height of all its pictures together, in 10⁶ pixels. 0.001 to 1,000,000; default 20,000.</summary>
    [Bounds(0.001, 1_000_000)]
    public double MaxMegapixels { get; set; } = 20_000;
}
