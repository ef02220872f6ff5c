namespace DenoiseService.Api.Tests.Support;

/// <summary>Time that passes only when told to, for timers; timestamps are the real ones.</summary>
public sealed class ManualTime : TimeProvider
{
    private readonly List<ManualTimer> _timers = [];

    public int Timers
    {
        get
        {
            lock (_timers) return _timers.Count;
        }
    }

    public void Advance(TimeSpan by)
    {
        ManualTimer[] due;
        lock (_timers) due = _timers.Where(t => t.Pass(by)).ToArray();
        foreach (ManualTimer timer in due) timer.Fire();
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, callback, state, dueTime);
        lock (_timers) _timers.Add(timer);
        return timer;
    }

    private sealed class ManualTimer(ManualTime owner, TimerCallback callback, object? state, TimeSpan left) : ITimer
    {
        private TimeSpan _left = left;

        public bool Pass(TimeSpan by)
        {
            if (_left < TimeSpan.Zero) return false;
            _left -= by;
            return _left <= TimeSpan.Zero;
        }

        public void Fire()
        {
            Dispose();
            callback(state);
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            _left = dueTime;
            return true;
        }

        public void Dispose()
        {
            lock (owner._timers) owner._timers.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
