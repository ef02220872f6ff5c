using System.Diagnostics;

namespace DenoiseService.Training.Experiments;

/// <summary>Times rivals in turns: A B C A B C …, and gives every one's median seconds.</summary>
public static class Rounds
{
    /// <param name="rounds">How often each is timed, after one warm-up.</param>
    /// <param name="rivals">What to time.</param>
    /// <param name="cancellationToken">Looked at between two of them.</param>
    public static double[] Medians(int rounds, Action[] rivals, CancellationToken cancellationToken = default)
    {
        var times = rivals.Select(_ => new List<double>()).ToArray();
        for (int round = -1; round < rounds; round++)
        {
            for (int r = 0; r < rivals.Length; r++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                long started = Stopwatch.GetTimestamp();
                rivals[r]();
                if (round >= 0) times[r].Add(Stopwatch.GetElapsedTime(started).TotalSeconds);
            }
        }

        return times.Select(Median).ToArray();
    }

    /// <summary>The middle value, or the mean of the two.</summary>
    public static double Median(IReadOnlyCollection<double> values)
    {
        double[] sorted = values.Order().ToArray();
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
