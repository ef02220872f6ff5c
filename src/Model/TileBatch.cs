namespace DenoiseService.Model;

/// <summary>The next tiles of some pictures, all of one tile size, in one block of memory that the network's output then overwrites.</summary>
internal sealed class TileBatch
{
    private readonly List<(TiledPicture Picture, int Index)> _owners = [];
    private readonly float[] _images; // (B, 3, T, T)
    private readonly float[] _routings; // (B, L, N, E)
    private readonly int _imageFloats, _routingFloats;

    /// <summary>Takes the tiles out of their pictures.</summary>
    public TileBatch(IReadOnlyList<BatchPart> parts)
    {
        Config = parts[0].Picture.Config;
        Count = parts.Sum(p => p.Tiles);
        _imageFloats = 3 * Config.TileSide * Config.TileSide;
        _routingFloats = Config.Blocks * Config.Tokens * Config.Experts;
        _images = new float[(long)Count * _imageFloats];
        _routings = new float[(long)Count * _routingFloats];
        foreach (BatchPart part in parts)
        {
            for (int i = 0; i < part.Tiles; i++) _owners.Add((part.Picture, part.Picture.HandOutNext(Images(_owners.Count, 1))));
        }
    }

    /// <summary>With the side of these tiles.</summary>
    public ModelConfig Config { get; }

    /// <summary>B.</summary>
    public int Count { get; }

    /// <summary>Tiles from one on, input or output.</summary>
    public Span<float> Images(int first, int count) => _images.AsSpan(first * _imageFloats, count * _imageFloats);

    /// <summary>Their routing, to be filled.</summary>
    public Span<float> Routings(int first, int count) => _routings.AsSpan(first * _routingFloats, count * _routingFloats);

    /// <summary>What is known of their noise, each σ or <see cref="NoiseLevel.Unknown"/>.</summary>
    public float[] Levels(int first, int count) => [.. _owners.Skip(first).Take(count).Select(o => o.Picture.Sigma ?? NoiseLevel.Unknown)];

    /// <summary>Hands every tile's result to its picture.</summary>
    public void GiveBack()
    {
        for (int t = 0; t < Count; t++) _owners[t].Picture.Accept(_owners[t].Index, Images(t, 1), Routings(t, 1));
    }
}
