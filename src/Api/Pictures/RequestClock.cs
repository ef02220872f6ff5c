using DenoiseService.Api.Access;

namespace DenoiseService.Api.Pictures;

/// <summary>One request's caller and time: when it came, how long each step took, and the moment after which nobody waits: the deadline, or the client's going.</summary>
internal sealed class RequestClock : IDisposable
{
    private readonly TimeProvider _time;
    private readonly long _arrived;
    private readonly CancellationTokenSource _deadline;
    private readonly CancellationTokenSource _either;
    private readonly List<(string Step, double Milliseconds)> _steps = [];

    public RequestClock(TimeProvider time, TimeSpan limit, CancellationToken aborted)
    {
        (_time, _arrived) = (time, time.GetTimestamp());
        _deadline = new CancellationTokenSource(limit, time);
        _either = CancellationTokenSource.CreateLinkedTokenSource(_deadline.Token, aborted);
    }

    /// <summary>Set at the deadline, when the client goes, or once the request is answered.</summary>
    public CancellationToken Token => _either.Token;

    /// <summary>Who sent the request, and pays for its patches.</summary>
    public required Caller Caller { get; init; }

    /// <summary>What the picture costs, once that is known; for the log.</summary>
    public long Patches { get; set; }

    /// <summary>The steps so far, in milliseconds (a step that was taken twice is added up), and the total.</summary>
    public IReadOnlyDictionary<string, double> Milliseconds =>
        _steps.Append((Step: "total", Milliseconds: _time.GetElapsedTime(_arrived).TotalMilliseconds)).GroupBy(s => s.Step).ToDictionary(s => s.Key, s => Math.Round(s.Sum(t => t.Milliseconds), 2));

    /// <summary>The same as a Server-Timing header.</summary>
    public string ServerTiming => string.Join(", ", Milliseconds.Select(s => FormattableString.Invariant($"{s.Key};dur={s.Value:0.##}")));

    /// <summary>Notes how long a step took.</summary>
    public void Add(string step, TimeSpan elapsed) => _steps.Add((step, elapsed.TotalMilliseconds));

    /// <summary>Runs a step and notes how long it took.</summary>
    public T Measure<T>(string step, Func<T> action)
    {
        long started = _time.GetTimestamp();
        T result = action();
        Add(step, _time.GetElapsedTime(started));
        return result;
    }

    /// <summary>Nobody waits any more: what of the request is still under way, such as the other pass of a comparison that failed, is dropped.</summary>
    public void Dispose()
    {
        _either.Cancel();
        _either.Dispose();
        _deadline.Dispose();
    }
}
