using DenoiseService.Api.Settings;

namespace DenoiseService.Api.Access;

/// <summary>How much each caller may send. A patch is one token of one tile: a picture of one megapixel takes about 70,000. Each replica counts for itself.</summary>
internal sealed class RateLimitOptions
{
    /// <summary>The section of the settings.</summary>
    public const string Section = "RateLimit";

    /// <summary>The most that a limit can be, in patches a minute.</summary>
    public const long Most = 1_000_000_000_000;

    /// <summary>Patches a minute of a key that has no limit of its own; 0: no limit. 0 to 10¹²; default 0.</summary>
    [Bounds(0, Most)]
    public long PatchesPerMinute { get; set; }

    /// <summary>Patches a minute of all callers without a key together; 0: no limit. 0 to 10¹²; default 0.</summary>
    [Bounds(0, Most)]
    public long AnonymousPatchesPerMinute { get; set; }

    /// <summary>Seconds of saved-up time that may be spent at once: a bucket holds what its limit gives in this time. 1 to 86,400; default 60.</summary>
    [Bounds(1, 86_400)]
    public double BurstSeconds { get; set; } = 60;
}
