namespace DenoiseService.Training;

/// <summary>
/// Derives independent seeds from one. Everything random in a step is seeded by (run's seed, purpose, step), so a resumed run needs no stored
/// generator state to continue exactly.
/// </summary>
public static class Seeds
{
    /// <summary>A seed for one use of one run: SplitMix64 over the three numbers.</summary>
    public static long Derive(long seed, long purpose, long index)
    {
        ulong z = Mix((ulong)seed);
        z = Mix(z ^ (ulong)purpose);
        return (long)(Mix(z ^ (ulong)index) >> 1);
    }

    private static ulong Mix(ulong x)
    {
        x += 0x9E3779B97F4A7C15;
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }
}
