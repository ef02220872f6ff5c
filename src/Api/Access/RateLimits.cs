using DenoiseService.Api.Errors;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Access;

/// <summary>
/// One token bucket for each key, and one for all callers without a key; tokens are patches. A picture that costs more than a bucket holds is taken when
/// the bucket is full and leaves it in debt, or it could never come: that, and the injected time, is why this is not System.Threading.RateLimiting's bucket, which
/// throws at such a cost. Nothing is given back. Thread-safe.
/// </summary>
internal sealed class RateLimits(IOptions<RateLimitOptions> options, TimeProvider time)
{
    private const int FirstSweep = 1024;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Bucket> _buckets = [];
    private int _sweepAbove = FirstSweep;

    /// <summary>Buckets in memory: callers who came lately.</summary>
    public int Count
    {
        get
        {
            lock (_lock) return _buckets.Count;
        }
    }

    /// <summary>Takes a cost from the caller's bucket.</summary>
    /// <param name="caller">Who pays.</param>
    /// <param name="patches">How much.</param>
    /// <exception cref="ApiException">429 with the time after which the same request would be taken; nothing is taken now.</exception>
    public void Charge(Caller caller, long patches)
    {
        long limit = caller.PatchesPerMinute ?? (caller.Id.Length == 0 ? options.Value.AnonymousPatchesPerMinute : options.Value.PatchesPerMinute);
        if (limit == 0) return;
        double perSecond = limit / 60.0, capacity = perSecond * options.Value.BurstSeconds;
        lock (_lock)
        {
            long now = time.GetTimestamp();
            double level = _buckets.TryGetValue(caller.Id, out Bucket bucket) ? LevelOf(bucket, now) : capacity;
            double needed = Math.Min(patches, capacity);
            if (level < needed) throw Exceeded(caller, limit, patches, (needed - level) / perSecond);
            _buckets[caller.Id] = new Bucket(level - patches, capacity, perSecond, now);
            if (_buckets.Count > _sweepAbove) Sweep(now);
        }
    }

    private double LevelOf(Bucket bucket, long now) => Math.Min(bucket.Capacity, bucket.Level + time.GetElapsedTime(bucket.At, now).TotalSeconds * bucket.PerSecond);

    // A full bucket says nothing that its absence does not.
    private void Sweep(long now)
    {
        foreach (string id in _buckets.Where(b => LevelOf(b.Value, now) >= b.Value.Capacity).Select(b => b.Key).ToArray()) _buckets.Remove(id);
        _sweepAbove = Math.Max(FirstSweep, 2 * _buckets.Count);
    }

    private static ApiException Exceeded(Caller caller, long limit, long patches, double seconds)
    {
        var wait = TimeSpan.FromSeconds(Math.Max(1, Math.Ceiling(seconds)));
        string whose = caller.Id.Length == 0 ? "Callers without a key may together" : "The key may";
        return new ApiException(ProblemKind.RateLimited, $"{whose} send {limit} patches a minute; this request has {patches}. Try again in {wait.TotalSeconds:0} s.")
        {
            Parameter = "patchesPerMinute",
            Limit = limit,
            Actual = patches,
            RetryAfter = wait,
        };
    }

    private readonly record struct Bucket(double Level, double Capacity, double PerSecond, long At);
}
