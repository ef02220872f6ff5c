using System.Buffers;

namespace DenoiseService.Model;

/// <summary>
/// The next tiles of some pictures, all of one tile size, and room for what the network makes of them. The room is megabytes: one batch gets it after the other, where new arrays would be fetched
/// from the system page by page every time.
/// </summary>
internal sealed class TileBatch : IDisposable
{
    private readonly List<(TiledPicture Picture, int Index)> _owners = [];
    private readonly int _imageFloats, _routingFloats;
    private float[] _images; // (B, 3, T, T), and what the array has beyond
    private float[] _routings; // (B, L, N, E), likewise; empty if nobody wants it

    /// <summary>Takes the tiles out of their pictures.</summary>
    public TileBatch(IReadOnlyList<BatchPart> parts)
    {
        Config = parts[0].Picture.Config;
        Count = parts.Sum(p => p.Tiles);
        _imageFloats = 3 * Config.TileSide * Config.TileSide;
        _routingFloats = Config.Blocks * Config.Tokens * Config.Experts;
        WantsRouting = parts.Any(p => p.Picture.WithRouting);
        _images = ArrayPool<float>.Shared.Rent(Count * _imageFloats);
        _routings = WantsRouting ? ArrayPool<float>.Shared.Rent(Count * _routingFloats) : [];
        foreach (BatchPart part in parts)
        {
            for (int i = 0; i < part.Tiles; i++) _owners.Add((part.Picture, part.Picture.HandOutNext()));
        }
    }

    /// <summary>With the side of these tiles.</summary>
    public ModelConfig Config { get; }

    /// <summary>B.</summary>
    public int Count { get; }

    /// <summary>True if a picture collects its routing map.</summary>
    public bool WantsRouting { get; }

    /// <summary>Copies tiles from one on out of their pictures, (B, 3, T, T).</summary>
    public void Read(int first, Span<float> images)
    {
        for (int t = 0; t < images.Length / _imageFloats; t++) _owners[first + t].Picture.Copy(_owners[first + t].Index, images.Slice(t * _imageFloats, _imageFloats));
    }

    /// <summary>The results of tiles from one on, to be filled.</summary>
    public Span<float> Images(int first, int count) => _images.AsSpan(first * _imageFloats, count * _imageFloats);

    /// <summary>Their routing, to be filled; empty if nobody wants it.</summary>
    public Span<float> Routings(int first, int count) => WantsRouting ? _routings.AsSpan(first * _routingFloats, count * _routingFloats) : default;

    /// <summary>What is known of their noise, each σ or <see cref="NoiseLevel.Unknown"/>.</summary>
    public float[] Levels(int first, int count) => [.. _owners.Skip(first).Take(count).Select(o => o.Picture.Sigma ?? NoiseLevel.Unknown)];

    /// <summary>Hands every tile's result to its picture.</summary>
    public void GiveBack()
    {
        for (int t = 0; t < Count; t++) _owners[t].Picture.Accept(_owners[t].Index, Images(t, 1), Routings(t, 1));
    }

    /// <summary>Passes the room on; no thread may be at work in it any more.</summary>
    public void Dispose()
    {
        foreach (float[] room in (float[][])[_images, _routings])
        {
            if (room.Length > 0) ArrayPool<float>.Shared.Return(room);
        }

        (_images, _routings) = ([], []);
    }
}
