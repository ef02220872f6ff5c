namespace DenoiseService.Api.Serving;

/// <summary>The measured speed of the device, as a moving average over batches. Thread-safe.</summary>
internal sealed class Throughput
{
    private const double WeightOfNewest = 0.2;
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1), Longest = TimeSpan.FromSeconds(60);
    private double _patchesPerSecond;

    /// <summary>0 before the first batch.</summary>
    public double PatchesPerSecond => Volatile.Read(ref _patchesPerSecond);

    /// <summary>Counts one batch. Called by the owner of the device, and before that has a model by the warm-up.</summary>
    public void Record(long patches, TimeSpan elapsed)
    {
        double rate = patches / Math.Max(elapsed.TotalSeconds, 1e-6), before = _patchesPerSecond;
        Volatile.Write(ref _patchesPerSecond, before == 0 ? rate : before + WeightOfNewest * (rate - before));
    }

    /// <summary>When that much work will be done: whole seconds, 1 to 60.</summary>
    public TimeSpan TimeFor(long patches)
    {
        double rate = PatchesPerSecond;
        double seconds = rate > 0 ? Math.Ceiling(patches / rate) : Longest.TotalSeconds;
        return TimeSpan.FromSeconds(Math.Clamp(seconds, Shortest.TotalSeconds, Longest.TotalSeconds));
    }
}
