using DenoiseService.Model;
using DenoiseService.Training.Data;

namespace DenoiseService.Training.Tests;

/// <summary>Small real things: a network of width 16, generated pictures, a folder that is deleted.</summary>
internal static class Small
{
    public static ModelConfig Model { get; } = new() { Width = 16, Heads = 2, FeedForwardWidth = 32, RouterWidth = 8, TileSide = 16, KeysKept = [4, 8, 16], Residual = true };

    /// <summary>One that can be told the noise level.</summary>
    public static ModelConfig Told { get; } = Model with { UnshuffledStem = true, HalfWidth = 4, NoiseLevelInput = true };

    public static Recipe Recipe { get; } = new()
    {
        Model = Model,
        Steps = 12,
        BatchSize = 8,
        ValidateEvery = 4,
        Optimiser = OptimiserKind.AdamW,
        Schedule = ScheduleKind.Cosine,
        WeightDecay = 1e-4,
        ClipNorm = 1,
        SigmaMin = 0,
        SigmaMax = 0.3,
        ClampedShare = 0.5,
        Augment = true,
        EmaDecay = 0.9,
        Seed = 7,
    };

    /// <summary>Smooth gradients with an edge each, so that there is something to learn.</summary>
    public static PatchSet Patches(int count, int side, int seed = 1)
    {
        var random = new Random(seed);
        var pixels = new byte[count * 3 * side * side];
        for (int i = 0; i < count; i++)
        {
            int edge = random.Next(side), low = random.Next(128), high = 128 + random.Next(128);
            for (int p = 0; p < 3 * side * side; p++) pixels[i * 3 * side * side + p] = (byte)((p % side < edge ? low : high) - p / side % side);
        }

        return new PatchSet(pixels, side);
    }

    public static TrainingData Data(int count, int side = 16, int seed = 1) => new([Patches(count, side, seed)], [1]);
}

/// <summary>A folder for one test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("denoise-tests-").FullName;

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

/// <summary>A clock that stands until the test moves it.</summary>
internal sealed class SteppedTime : TimeProvider
{
    private long _ticks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Interlocked.Read(ref _ticks);

    public void Advance(TimeSpan by) => Interlocked.Add(ref _ticks, by.Ticks);
}

/// <summary>Reports on the thread that works, so that a test can act between two steps.</summary>
internal sealed class Immediate<T>(Action<T> report) : IProgress<T>
{
    public void Report(T value) => report(value);
}
