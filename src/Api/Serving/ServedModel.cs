using DenoiseService.Model;

namespace DenoiseService.Api.Serving;

/// <summary>
/// A model that is loaded, checked and warm. Its network is run by <see cref="ModelWorker"/>'s thread alone; the planning of tiles is safe anywhere. Who
/// uses it holds it, and the last one who lets go disposes of the network: after a swap that is the end of the old model's last batch.
/// </summary>
/// <param name="id">Of its version.</param>
/// <param name="name">For people.</param>
/// <param name="card">What stands beside the weights.</param>
/// <param name="denoiser">Runs the network. Taken over.</param>
internal sealed class ServedModel(string id, string name, CheckpointCard card, Denoiser denoiser)
{
    private int _holders = 1;

    public string Id => id;

    public CheckpointCard Card => card;

    public Denoiser Denoiser => denoiser;

    /// <summary>Name and the beginning of the weights' checksum, as in the header X-Model-Version.</summary>
    public string Version { get; } = $"{name}@{card.Sha256[..12]}";

    /// <summary>Forward passes before it was called ready.</summary>
    public int WarmUpBatches { get; init; }

    /// <summary>How many hold it, the list of loaded models included.</summary>
    public int Holders => Volatile.Read(ref _holders);

    /// <summary>What a picture costs, in patches: tiles × passes × tokens of a tile.</summary>
    public long CostOf(int height, int width, DenoiseMode mode) => denoiser.PatchesOf(height, width, mode);

    /// <summary>One more holder. Only who knows that somebody else holds it may call this.</summary>
    public void Hold() => Interlocked.Increment(ref _holders);

    /// <summary>One holder less; call once for each.</summary>
    public void LetGo()
    {
        if (Interlocked.Decrement(ref _holders) == 0) denoiser.Dispose();
    }

    /// <summary>
    /// Runs a plain picture. After a failure it tells whether that lay in the pictures or in the network; without it, not being ready would keep away the
    /// requests that could show recovery. The worker's thread calls it.
    /// </summary>
    public bool StillWorks()
    {
        try
        {
            const int side = 32;
            denoiser.Denoise(Enumerable.Repeat(0.5f, side * side).ToArray(), side, side);
            return true;
        }
        catch (Exception)
        {
            return false;
        }
    }
}

/// <summary>Somebody's hold on a model. Disposing it, once or often, lets go.</summary>
internal sealed class ModelLease(ServedModel model) : IDisposable
{
    private int _ended;

    public ServedModel Model => model;

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _ended, 1) == 0) model.LetGo();
    }
}
