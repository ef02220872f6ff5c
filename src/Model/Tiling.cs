namespace DenoiseService.Model;

/// <summary>
/// How one side of a picture is covered by tiles, and how the tiles' results are weighted where they overlap. A picture's two sides are
/// independent, so a pixel's weight is the product of its row's and its column's.
/// </summary>
public sealed class TileAxis
{
    private readonly float[][] _weights;

    private TileAxis(int length, int tile, int[] starts)
    {
        Length = length;
        Tile = tile;
        Starts = starts;
        _weights = Weights(length, tile, starts);
    }

    /// <summary>Pixels of the picture's side.</summary>
    public int Length { get; }

    /// <summary>Pixels of the tile's side. A tile that is longer than the picture looks at its reflection beyond the border.</summary>
    public int Tile { get; }

    /// <summary>First pixel of every tile, ascending. The tiles are spread evenly: the last one ends at the border.</summary>
    public IReadOnlyList<int> Starts { get; }

    /// <summary>Places as few tiles as give neighbours at least the overlap.</summary>
    /// <param name="length">≥ 1.</param>
    /// <param name="tile">≥ 1.</param>
    /// <param name="overlap">Pixels that neighbours share, 0 to tile − 1.</param>
    public static TileAxis Cover(int length, int tile, int overlap)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(tile, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(overlap);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(overlap, tile);
        if (length <= tile) return new TileAxis(length, tile, [0]);
        int travel = length - tile, steps = CountFor(length, tile, overlap) - 1;
        return new TileAxis(length, tile, Enumerable.Range(0, steps + 1).Select(i => (int)((long)i * travel / steps)).ToArray());
    }

    /// <summary>How many tiles <see cref="Cover"/> places.</summary>
    internal static int CountFor(int length, int tile, int overlap) => length <= tile ? 1 : 1 + (length - overlap - 1) / (tile - overlap);

    /// <summary>The weight of every pixel of one tile; over all tiles the weights of a pixel sum to 1. Beyond the picture the weight is 0.</summary>
    public ReadOnlySpan<float> WeightsOf(int tile) => _weights[tile];

    /// <summary>Pixel of the picture that stands at a position which may lie beyond its border: reflection without repeating the border.</summary>
    public static int Reflect(int position, int length)
    {
        if (length == 1) return 0;
        int period = 2 * (length - 1), p = position % period;
        if (p < 0) p += period;
        return p < length ? p : period - p;
    }

    private static float[][] Weights(int length, int tile, int[] starts)
    {
        // Raw weight: rises linearly from the edge that a neighbour overlaps, flat towards the picture's own border. Then normalised per pixel.
        var raw = new double[starts.Length][];
        var sums = new double[length];
        for (int t = 0; t < starts.Length; t++)
        {
            int before = t > 0 ? starts[t - 1] + tile - starts[t] : 0;
            int after = t < starts.Length - 1 ? starts[t] + tile - starts[t + 1] : 0;
            raw[t] = new double[tile];
            for (int i = 0; i < tile && starts[t] + i < length; i++)
            {
                double rise = before > 0 ? Math.Min(1, (i + 0.5) / before) : 1, fall = after > 0 ? Math.Min(1, (tile - i - 0.5) / after) : 1;
                raw[t][i] = rise * fall;
                sums[starts[t] + i] += raw[t][i];
            }
        }

        return raw.Select((weights, t) => weights.Select((w, i) => starts[t] + i < length ? (float)(w / sums[starts[t] + i]) : 0).ToArray()).ToArray();
    }
}

/// <summary>The tiles of a whole picture, row by row.</summary>
/// <param name="Rows">Cover of the height.</param>
/// <param name="Columns">Cover of the width.</param>
public sealed record TilePlan(TileAxis Rows, TileAxis Columns)
{
    /// <summary>Number of tiles.</summary>
    public int Count => Rows.Starts.Count * Columns.Starts.Count;

    /// <summary>How many tiles <see cref="For"/> plans.</summary>
    internal static int CountFor(int height, int width, int tile, int overlap) => TileAxis.CountFor(height, tile, overlap) * TileAxis.CountFor(width, tile, overlap);

    /// <summary>Plans a picture of the given size for a network that sees squares of <paramref name="tile"/> pixels.</summary>
    public static TilePlan For(int height, int width, int tile, int overlap) => new(TileAxis.Cover(height, tile, overlap), TileAxis.Cover(width, tile, overlap));
}
