namespace DenoiseService.Api.Serving;

/// <summary>What the worker has done since the start. Written by its thread, but for one; read from anywhere.</summary>
internal sealed class WorkerCounters
{
    private long _handedOver, _batches, _sharedBatches, _tiles, _completed, _dropped, _failed;

    /// <summary>Pictures that reached the worker.</summary>
    public long HandedOver => Volatile.Read(ref _handedOver);

    /// <summary>Batches that ran, failed ones included.</summary>
    public long Batches => Volatile.Read(ref _batches);

    /// <summary>Batches that held tiles of more than one picture.</summary>
    public long SharedBatches => Volatile.Read(ref _sharedBatches);

    /// <summary>Tiles that ran.</summary>
    public long Tiles => Volatile.Read(ref _tiles);

    /// <summary>Pictures that came back clean.</summary>
    public long Completed => Volatile.Read(ref _completed);

    /// <summary>Pictures that nobody waited for any more.</summary>
    public long Dropped => Volatile.Read(ref _dropped);

    /// <summary>Pictures whose batch failed.</summary>
    public long Failed => Volatile.Read(ref _failed);

    /// <summary>The one count that is made on other threads.</summary>
    public void CountHandedOver() => Interlocked.Increment(ref _handedOver);

    public void CountBatch(Batch batch)
    {
        Volatile.Write(ref _batches, _batches + 1);
        if (batch.Shares.Count > 1) Volatile.Write(ref _sharedBatches, _sharedBatches + 1);
        Volatile.Write(ref _tiles, _tiles + batch.Tiles);
    }

    public void CountCompleted() => Volatile.Write(ref _completed, _completed + 1);

    public void CountDropped() => Volatile.Write(ref _dropped, _dropped + 1);

    public void CountFailed() => Volatile.Write(ref _failed, _failed + 1);
}
