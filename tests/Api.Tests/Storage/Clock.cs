namespace DenoiseService.Api.Tests.Storage;

/// <summary>Wall-clock time as it is set; timers and timestamps are the real ones.</summary>
internal sealed class Clock : TimeProvider
{
    private DateTimeOffset _now = Records.Noon;

    public Clock At(DateTimeOffset now)
    {
        _now = now;
        return this;
    }

    public override DateTimeOffset GetUtcNow() => _now;
}
