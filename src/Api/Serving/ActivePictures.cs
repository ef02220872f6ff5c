namespace DenoiseService.Api.Serving;

/// <summary>The next tiles of one picture in a batch.</summary>
internal readonly record struct Share(DeviceWork Work, int Tiles)
{
    /// <summary>Its cost.</summary>
    public long Patches => (long)Tiles * Work.Picture.Config.Tokens;
}

/// <summary>One batch: tiles of one or more pictures, all for one model.</summary>
internal sealed record Batch(ServedModel Model, IReadOnlyList<Share> Shares)
{
    /// <summary>Tiles together.</summary>
    public int Tiles { get; } = Shares.Sum(s => s.Tiles);

    /// <summary>Its cost.</summary>
    public long Patches { get; } = Shares.Sum(s => s.Patches);
}

/// <summary>
/// The pictures that want the device, in a ring. A batch is shared out evenly: whoever needs less than an even share gets all it needs, the
/// rest goes to the others; who was served moves to the end. So a large picture slows small ones down but never holds them up, and
/// pictures of several models take turns. Not thread-safe: the worker's thread owns it.
/// </summary>
internal sealed class ActivePictures(int maxBatchPatches)
{
    private readonly List<DeviceWork> _ring = [];

    public bool IsEmpty => _ring.Count == 0;

    public void Add(DeviceWork work) => _ring.Add(work);

    public void Remove(DeviceWork work) => _ring.Remove(work);

    /// <summary>Removes what nobody waits for any more.</summary>
    public IReadOnlyList<DeviceWork> TakeCancelled()
    {
        DeviceWork[] cancelled = _ring.Where(w => w.Cancelled).ToArray();
        _ring.RemoveAll(cancelled.Contains);
        return cancelled;
    }

    /// <summary>Removes everything.</summary>
    public IReadOnlyList<DeviceWork> TakeAll()
    {
        DeviceWork[] all = [.. _ring];
        _ring.Clear();
        return all;
    }

    /// <summary>Shares out the next batch; the ring must not be empty.</summary>
    public Batch Next()
    {
        ServedModel model = _ring[0].Model;
        long budget = Math.Min(maxBatchPatches, (long)model.Denoiser.MaxBatchTiles * model.Denoiser.Config.Tokens);
        DeviceWork[] served = FirstTilesWithin(budget, model).OrderBy(w => (long)w.Picture.TilesWaiting * TileCost(w)).ToArray();
        long reserved = served.Sum(TileCost);
        var shares = new List<Share>(served.Length);
        for (int i = 0; i < served.Length; i++)
        {
            // Everybody who is served gets a tile: what the others need for theirs is not given away.
            long cost = TileCost(served[i]), even = Math.Min(budget / (served.Length - i), budget - (reserved -= cost));
            int tiles = (int)Math.Clamp(even / cost, 1, served[i].Picture.TilesWaiting);
            shares.Add(new Share(served[i], tiles));
            budget -= tiles * cost;
        }

        _ring.RemoveAll(served.Contains);
        _ring.AddRange(served);
        return new Batch(model, shares);
    }

    private static long TileCost(DeviceWork work) => work.Picture.Config.Tokens;

    /// <summary>More pictures than fit with a tile each: the first of the ring are served, the others are first next time. One is always served.</summary>
    private IEnumerable<DeviceWork> FirstTilesWithin(long budget, ServedModel model)
    {
        long used = 0;
        foreach (DeviceWork work in _ring.Where(w => w.Model == model))
        {
            used += TileCost(work);
            if (used > budget && used > TileCost(work)) yield break;
            yield return work;
        }
    }
}
