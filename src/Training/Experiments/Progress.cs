namespace DenoiseService.Training.Experiments;

/// <summary>Adds up work of known cost and estimates what is left. Safe from several threads.</summary>
internal sealed class WorkMeter(double total, TimeProvider time, IProgress<ExperimentProgress>? progress)
{
    private readonly Lock _lock = new();
    private readonly long _started = time.GetTimestamp();
    private double _done, _earlier;

    /// <summary>Work that an earlier session did: it counts as done, but says nothing about speed.</summary>
    public void Skip(double cost, string stage)
    {
        lock (_lock)
        {
            _earlier += cost;
            _done += cost;
            Report(stage);
        }
    }

    /// <summary>Work that was done now.</summary>
    public void Add(double cost, string stage)
    {
        lock (_lock)
        {
            _done += cost;
            Report(stage);
        }
    }

    private void Report(string stage)
    {
        double now = _done - _earlier;
        TimeSpan? remaining = now > 0 ? time.GetElapsedTime(_started) * ((total - _done) / now) : null;
        progress?.Report(new ExperimentProgress(stage, Math.Min(1, _done / total), remaining));
    }
}
