using DenoiseService.Imaging;
using DenoiseService.Model;

namespace DenoiseService.Api.Comparing;

/// <summary>What sets two outputs apart.</summary>
internal static class Differences
{
    /// <summary>Mean and largest absolute difference of the samples.</summary>
    public static (double Mean, double Largest) Of(ReadOnlySpan<float> first, ReadOnlySpan<float> second)
    {
        double sum = 0, largest = 0;
        for (int i = 0; i < first.Length; i++)
        {
            double difference = Math.Abs((double)first[i] - second[i]);
            sum += difference;
            largest = Math.Max(largest, difference);
        }

        return (sum / first.Length, largest);
    }

    /// <summary>A picture of the absolute difference times a gain, clipped.</summary>
    public static Picture Draw(Picture first, Picture second, float gain)
    {
        var samples = new float[first.Samples.Length];
        for (int i = 0; i < samples.Length; i++) samples[i] = Math.Min(1, gain * Math.Abs(first.Samples[i] - second.Samples[i]));
        return new Picture(samples, first.Channels, first.Height, first.Width);
    }

    /// <summary>Block by block; null where the maps cannot be laid over each other.</summary>
    public static IReadOnlyList<RoutingDifference>? Of(RoutingMap first, RoutingMap second) =>
        (first.Rows, first.Columns, first.Blocks, first.Experts) == (second.Rows, second.Columns, second.Blocks, second.Experts) ? [.. Enumerable.Range(0, first.Blocks).Select(b => Of(first, second, b))] : null;

    private static RoutingDifference Of(RoutingMap first, RoutingMap second, int block)
    {
        double variation = 0;
        int whole = 0, differ = 0;
        for (int row = 0; row < first.Rows; row++)
        {
            for (int column = 0; column < first.Columns; column++)
            {
                int chosen = first.ChosenExpert(block, row, column);
                if (chosen == RoutingMap.Padded) continue;
                whole++;
                if (chosen != second.ChosenExpert(block, row, column)) differ++;
                ReadOnlySpan<float> p = first.At(block, row, column), q = second.At(block, row, column);
                for (int e = 0; e < p.Length; e++) variation += Math.Abs(p[e] - q[e]) / 2;
            }
        }

        return whole == 0 ? new RoutingDifference(block, null, null) : new RoutingDifference(block, Math.Round(variation / whole, 6), Math.Round(differ / (double)whole, 6));
    }
}
