namespace DenoiseService.Model;

/// <summary>Where the network spent its compute: for every patch of a picture and every block the router's probabilities.</summary>
/// <param name="Rows">Patches down: the picture's height over the patch side, rounded up.</param>
/// <param name="Columns">Patches across, likewise.</param>
/// <param name="PatchSide">P in pixels.</param>
/// <param name="KeysAttended">Keys that each expert attends to, in the order of the experts.</param>
/// <param name="Probabilities">(L, Rows, Columns, E), each summing to 1 over E; −1 for a patch that sticks out of the picture, which the network saw only completed by reflection.</param>
public sealed record RoutingMap(int Rows, int Columns, int PatchSide, IReadOnlyList<int> KeysAttended, float[] Probabilities)
{
    /// <summary>The chosen expert of a patch that sticks out of the picture.</summary>
    public const int Padded = -1;

    /// <summary>E.</summary>
    public int Experts => KeysAttended.Count;

    /// <summary>L.</summary>
    public int Blocks => Probabilities.Length / (Rows * Columns * Experts);

    /// <summary>The probabilities of one patch, length E.</summary>
    public ReadOnlySpan<float> At(int block, int row, int column) => Probabilities.AsSpan(((block * Rows + row) * Columns + column) * Experts, Experts);

    /// <summary>The expert with the largest probability, or <see cref="Padded"/>.</summary>
    public int ChosenExpert(int block, int row, int column)
    {
        ReadOnlySpan<float> p = At(block, row, column);
        int best = 0;
        for (int e = 1; e < p.Length; e++)
        {
            if (p[e] > p[best]) best = e;
        }

        return p[0] < 0 ? Padded : best;
    }
}

/// <summary>Merges the routing of overlapping tiles: a tile's token counts for a patch by the area they share and by the tile's blending weight there.</summary>
internal sealed class RoutingAccumulator
{
    private readonly TilePlan _plan;
    private readonly ModelConfig _config;
    private readonly int _rows, _columns, _wholeRows, _wholeColumns;
    private readonly float[] _sums; // (L, rows, columns, E)
    private readonly float[] _weights; // (rows, columns)

    public RoutingAccumulator(TilePlan plan, int height, int width, ModelConfig config)
    {
        int patch = config.PatchSide;
        (_plan, _config) = (plan, config);
        (_rows, _columns) = ((height + patch - 1) / patch, (width + patch - 1) / patch);
        (_wholeRows, _wholeColumns) = (height / patch, width / patch);
        _sums = new float[(long)config.Blocks * _rows * _columns * config.Experts];
        _weights = new float[_rows * _columns];
    }

    /// <summary>Adds the (L, N, E) of a tile that the network saw turned.</summary>
    public void Add(int tileRow, int tileColumn, int turn, ReadOnlySpan<float> routing)
    {
        int side = _config.TileSide / _config.PatchSide, experts = _config.Experts;
        var square = new TurnedSquare(side, turn);
        foreach (Share down in Shares(_plan.Rows, tileRow, _wholeRows))
        {
            foreach (Share across in Shares(_plan.Columns, tileColumn, _wholeColumns))
            {
                float weight = down.Weight * across.Weight;
                _weights[down.Cell * _columns + across.Cell] += weight;
                for (int block = 0; block < _config.Blocks; block++)
                {
                    ReadOnlySpan<float> token = routing.Slice((block * side * side + square.At(down.Token, across.Token)) * experts, experts);
                    Span<float> sum = _sums.AsSpan(((block * _rows + down.Cell) * _columns + across.Cell) * experts, experts);
                    for (int e = 0; e < experts; e++) sum[e] += weight * token[e];
                }
            }
        }
    }

    public RoutingMap ToMap()
    {
        var probabilities = new float[_sums.Length];
        for (int i = 0; i < probabilities.Length; i++)
        {
            int cell = i / _config.Experts % (_rows * _columns);
            bool whole = cell / _columns < _wholeRows && cell % _columns < _wholeColumns;
            probabilities[i] = whole ? _sums[i] / _weights[cell] : RoutingMap.Padded;
        }

        return new RoutingMap(_rows, _columns, _config.PatchSide, _config.KeysAttended, probabilities);
    }

    private readonly record struct Share(int Token, int Cell, float Weight);

    /// <summary>Which token of a tile lies on which whole patch of the picture along one side, and how much it counts: its blending weight summed over the pixels they share.</summary>
    private IEnumerable<Share> Shares(TileAxis axis, int tile, int wholeCells)
    {
        int patch = _config.PatchSide, start = axis.Starts[tile];
        for (int token = 0; token < axis.Tile / patch; token++)
        {
            int first = start + token * patch, cell = first / patch, inFirst = Math.Min(patch, (cell + 1) * patch - first);
            float here = Sum(axis.WeightsOf(tile).Slice(token * patch, inFirst)), beyond = Sum(axis.WeightsOf(tile).Slice(token * patch + inFirst, patch - inFirst));
            if (cell < wholeCells && here > 0) yield return new Share(token, cell, here);
            if (cell + 1 < wholeCells && beyond > 0) yield return new Share(token, cell + 1, beyond);
        }

        static float Sum(ReadOnlySpan<float> values)
        {
            float sum = 0;
            foreach (float value in values) sum += value;
            return sum;
        }
    }
}
