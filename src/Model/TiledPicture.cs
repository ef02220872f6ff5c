using System.Numerics;

namespace DenoiseService.Model;

/// <summary>
/// One picture on its way through the network, tile by tile in order. The result replaces the picture in place: a row of pixels is final, and
/// written, once no later tile reads it, so beside the picture only a band of one tile's height is held. What is blended is the correction
/// (output − input): a network that changes nothing returns the picture bit for bit. In <see cref="DenoiseMode.High"/> every tile goes out 8 times in a
/// row, each time turned in another way, and each result, turned back, counts an eighth: to whoever runs the network they are 8 tiles.
/// </summary>
public sealed class TiledPicture
{
    private readonly float[] _samples;
    private readonly int _height, _width, _channels, _tile, _passes;
    private readonly float _strength;
    private readonly float[] _band; // correction of the rows that the current row of tiles covers: (C, tile, W)
    private readonly RoutingAccumulator? _routing;
    private int _handedOut, _accepted;

    /// <summary>Takes over a picture; its samples change while tiles are accepted.</summary>
    /// <param name="samples">Planar colour, (C, H, W), float32 in [0, 1], C = 1 (grey) or 3 (RGB).</param>
    /// <param name="height">H ≥ 1.</param>
    /// <param name="width">W ≥ 1.</param>
    /// <param name="config">Of the network that will run.</param>
    /// <param name="overlap">Pixels that neighbouring tiles share at least.</param>
    /// <param name="strength">0 keeps the input, 1 takes the network's result, between them a linear blend.</param>
    /// <param name="withRouting">Collect the routing map as well.</param>
    /// <param name="mode">How often every tile goes through the network.</param>
    /// <param name="sigma">Standard deviation of the noise, in units of 1, for a network that can be told; null leaves it to the network.</param>
    /// <exception cref="ArgumentException">Sizes do not fit each other or a value is out of range.</exception>
    public TiledPicture(float[] samples, int height, int width, ModelConfig config, int overlap, float strength = 1, bool withRouting = false, DenoiseMode mode = DenoiseMode.Normal, float? sigma = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        if (strength is not (>= 0 and <= 1)) throw new ArgumentOutOfRangeException(nameof(strength), strength, "Strength is 0 to 1.");
        if (sigma is not (null or (>= 0 and <= 1))) throw new ArgumentOutOfRangeException(nameof(sigma), sigma, "Sigma is 0 to 1.");
        if (sigma is not null && !config.NoiseLevelInput) throw new ArgumentException(FormattableString.Invariant($"Sigma is {sigma}; it must be null, for this network cannot be told the noise level."), nameof(sigma));
        long pixels = (long)height * width;
        if (samples.LongLength != pixels && samples.LongLength != 3 * pixels) throw new ArgumentException($"{samples.LongLength} samples are not one or three planes of {height} × {width}.", nameof(samples));
        (Config, Sigma) = (config, sigma);
        Plan = TilePlan.For(height, width, config.TileSide, overlap);
        (_samples, _height, _width, _channels, _tile, _passes, _strength) = (samples, height, width, (int)(samples.LongLength / pixels), config.TileSide, mode.Passes(), strength);
        _band = new float[(long)_channels * _tile * width];
        if (withRouting) _routing = new RoutingAccumulator(Plan, height, width, config);
    }

    /// <summary>Of the network that runs, with the side of this picture's tiles.</summary>
    public ModelConfig Config { get; }

    /// <summary>What the network is told of the noise; null: nothing.</summary>
    public float? Sigma { get; }

    /// <summary>Where the tiles lie.</summary>
    public TilePlan Plan { get; }

    /// <summary>True if the routing map was asked for.</summary>
    internal bool WithRouting => _routing is not null;

    /// <summary>Tiles that no batch has taken yet; a tile of the plan counts once for every pass.</summary>
    public int TilesWaiting => Tiles - _handedOut;

    /// <summary>True once every tile has come back: the samples are the result.</summary>
    public bool Finished => _accepted == Tiles;

    /// <summary>The routing of the whole picture. Only after <see cref="Finished"/>, and only if it was asked for.</summary>
    public RoutingMap Routing() => Finished && _routing is not null ? _routing.ToMap() : throw new InvalidOperationException("The routing map was not asked for or is not complete.");

    private int Tiles => Plan.Count * _passes;

    /// <summary>The next tile, for <see cref="Copy"/> and <see cref="Accept"/>.</summary>
    internal int HandOutNext() => _handedOut++;

    /// <summary>Copies a tile, (3, tile, tile); a grey picture fills all three channels. Several threads may copy while none calls <see cref="Accept"/>.</summary>
    internal void Copy(int index, Span<float> destination)
    {
        (int tileRow, int tileColumn, int turn) = Place(index);
        int top = Plan.Rows.Starts[tileRow], left = Plan.Columns.Starts[tileColumn];
        var square = new TurnedSquare(_tile, turn);
        for (int channel = 0; channel < 3; channel++)
        {
            int plane = Math.Min(channel, _channels - 1);
            Span<float> target = destination.Slice(channel * _tile * _tile, _tile * _tile);
            for (int y = 0; y < _tile; y++)
            {
                ReadOnlySpan<float> row = Row(plane, TileAxis.Reflect(top + y, _height));
                if (square.KeepsRows && left + _tile <= _width)
                {
                    row.Slice(left, _tile).CopyTo(target[square.At(y, 0)..]);
                    continue;
                }

                for (int x = 0; x < _tile; x++) target[square.At(y, x)] = row[TileAxis.Reflect(left + x, _width)];
            }
        }
    }

    /// <summary>Takes a tile's result. Tiles come back in the order in which they were handed out.</summary>
    /// <param name="index">What <see cref="HandOutNext"/> returned.</param>
    /// <param name="output">(3, tile, tile).</param>
    /// <param name="routing">(L, N, E), ignored if no map was asked for.</param>
    internal void Accept(int index, ReadOnlySpan<float> output, ReadOnlySpan<float> routing)
    {
        if (index != _accepted) throw new InvalidOperationException($"Tile {index} came back where {_accepted} was due.");
        (int tileRow, int tileColumn, int turn) = Place(index);
        AddCorrection(tileRow, tileColumn, new TurnedSquare(_tile, turn), output);
        _routing?.Add(tileRow, tileColumn, turn, routing);
        _accepted++;
        if (tileColumn == Plan.Columns.Starts.Count - 1 && turn == _passes - 1) FinishRows(tileRow);
    }

    /// <summary>The passes of a tile follow one another, so a row of tiles is done before the next begins.</summary>
    private (int TileRow, int TileColumn, int Turn) Place(int index)
    {
        int tile = index / _passes, columns = Plan.Columns.Starts.Count;
        return (tile / columns, tile % columns, index % _passes);
    }

    private void AddCorrection(int tileRow, int tileColumn, TurnedSquare square, ReadOnlySpan<float> output)
    {
        int top = Plan.Rows.Starts[tileRow], left = Plan.Columns.Starts[tileColumn];
        int rows = Math.Min(_tile, _height - top), columns = Math.Min(_tile, _width - left);
        ReadOnlySpan<float> rowWeights = Plan.Rows.WeightsOf(tileRow), columnWeights = Plan.Columns.WeightsOf(tileColumn);
        for (int channel = 0; channel < 3; channel++)
        {
            int plane = Math.Min(channel, _channels - 1);
            float share = (_channels == 1 ? 1f / 3 : 1) / _passes; // grey: the mean of the three answers
            ReadOnlySpan<float> result = output.Slice(channel * _tile * _tile, _tile * _tile);
            for (int y = 0; y < rows; y++)
            {
                float weight = rowWeights[y] * share;
                ReadOnlySpan<float> input = Row(plane, top + y).Slice(left, columns);
                Span<float> band = BandRow(plane, y).Slice(left, columns);
                if (square.KeepsRows) AddRow(band, weight, columnWeights, result[square.At(y, 0)..], input);
                else for (int x = 0; x < columns; x++) band[x] += weight * columnWeights[x] * (result[square.At(y, x)] - input[x]);
            }
        }
    }

    /// <summary>band += weight · weights · (result − input).</summary>
    private static void AddRow(Span<float> band, float weight, ReadOnlySpan<float> weights, ReadOnlySpan<float> result, ReadOnlySpan<float> input)
    {
        int x = 0;
        for (var factor = new Vector<float>(weight); x <= band.Length - Vector<float>.Count; x += Vector<float>.Count)
        {
            (new Vector<float>(band[x..]) + factor * new Vector<float>(weights[x..]) * (new Vector<float>(result[x..]) - new Vector<float>(input[x..]))).CopyTo(band[x..]);
        }

        for (; x < band.Length; x++) band[x] += weight * weights[x] * (result[x] - input[x]);
    }

    /// <summary>row + strength · correction, limited to [0, 1].</summary>
    private static void Correct(Span<float> row, ReadOnlySpan<float> correction, float strength)
    {
        int x = 0;
        for (var factor = new Vector<float>(strength); x <= row.Length - Vector<float>.Count; x += Vector<float>.Count)
        {
            Vector.Clamp(new Vector<float>(row[x..]) + factor * new Vector<float>(correction[x..]), Vector<float>.Zero, Vector<float>.One).CopyTo(row[x..]);
        }

        for (; x < row.Length; x++) row[x] = Math.Clamp(row[x] + strength * correction[x], 0f, 1f);
    }

    /// <summary>Writes the rows that no later tile reads, then moves the rest of the band up.</summary>
    private void FinishRows(int tileRow)
    {
        IReadOnlyList<int> starts = Plan.Rows.Starts;
        int top = starts[tileRow], next = tileRow + 1 < starts.Count ? starts[tileRow + 1] : _height, final = next - top;
        for (int plane = 0; plane < _channels; plane++)
        {
            for (int y = 0; y < final; y++)
            {
                Span<float> row = Row(plane, top + y);
                ReadOnlySpan<float> correction = BandRow(plane, y);
                Correct(row, correction, _strength);
            }

            Span<float> band = _band.AsSpan(plane * _tile * _width, _tile * _width);
            band[(final * _width)..].CopyTo(band);
            band[((_tile - final) * _width)..].Clear();
        }
    }

    private Span<float> Row(int plane, int y) => _samples.AsSpan((plane * _height + y) * _width, _width);

    private Span<float> BandRow(int plane, int y) => _band.AsSpan((plane * _tile + y) * _width, _width);
}
