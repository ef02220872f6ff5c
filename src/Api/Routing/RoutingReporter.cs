using DenoiseService.Imaging;
using DenoiseService.Model;

namespace DenoiseService.Api.Routing;

/// <summary>Sums up a routing map for people and programs.</summary>
internal static class RoutingReporter
{
    /// <summary>Reports every block, or only one.</summary>
    public static RoutingReport Report(RoutingMap map, EdgeMap edges, Picture picture, int? block = null) => new(
        map.Rows, map.Columns, map.PatchSide, picture.Height, picture.Width, map.KeysAttended,
        [.. (block is { } only ? [only] : Enumerable.Range(0, map.Blocks)).Select(b => Block(map, edges, b))]);

    /// <summary>What a report takes of the memory, but for its few sums; 0 where there is none.</summary>
    public static long BytesOf(RoutingReport? report) => report?.Blocks.Sum(b => (long)sizeof(float) * b.Probabilities.Count + (long)sizeof(int) * b.ChosenExperts.Count) ?? 0;

    private static BlockRouting Block(RoutingMap map, EdgeMap edges, int block)
    {
        int experts = map.Experts, patches = map.Rows * map.Columns, real = 0;
        var probabilities = new float[patches * experts];
        var chosen = new int[patches];
        var counts = new int[experts];
        var correlations = Enumerable.Range(0, experts).Select(_ => new Correlation()).ToArray();
        double keys = 0, entropy = 0;
        for (int i = 0; i < patches; i++)
        {
            (int row, int column) = (i / map.Columns, i % map.Columns);
            ReadOnlySpan<float> p = map.At(block, row, column);
            chosen[i] = map.ChosenExpert(block, row, column);
            for (int e = 0; e < experts; e++) probabilities[i * experts + e] = MathF.Round(p[e], 4);
            if (chosen[i] == RoutingMap.Padded) continue;
            real++;
            counts[chosen[i]]++;
            for (int e = 0; e < experts; e++)
            {
                keys += p[e] * map.KeysAttended[e];
                entropy -= p[e] > 0 ? p[e] * Math.Log(p[e]) : 0;
                correlations[e].Add(p[e], edges.At(row, column));
            }
        }

        double most = experts > 1 ? Math.Log(experts) : 1;
        return new BlockRouting(
            block, probabilities, chosen, counts, real > 0 ? Math.Round(keys / real, 4) : null, real > 0 ? Math.Round(entropy / real / most, 4) : null,
            [.. correlations.Select(c => c.Value)]);
    }

    /// <summary>Pearson's correlation, in one pass with running means: sums of squares would lose their digits.</summary>
    private sealed class Correlation
    {
        private long _count;
        private double _meanX, _meanY, _xx, _yy, _xy;

        public void Add(double x, double y)
        {
            _count++;
            double dx = x - _meanX, dy = y - _meanY;
            _meanX += dx / _count;
            _meanY += dy / _count;
            _xx += dx * (x - _meanX);
            _yy += dy * (y - _meanY);
            _xy += dx * (y - _meanY);
        }

        // Below this a variance is float32's rounding, not a picture's.
        private const double Nothing = 1e-12;

        public double? Value => _count > 1 && _xx / _count > Nothing && _yy / _count > Nothing ? Math.Round(_xy / Math.Sqrt(_xx * _yy), 4) : null;
    }
}
