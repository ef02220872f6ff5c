using DenoiseService.Api.Serving;
using DenoiseService.Api.Storage;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Models;

/// <summary>The models in memory: the champion, and a few others that requests named, of which the one not used for longest goes first. Thread-safe.</summary>
internal sealed class LoadedModels(ModelLoader loader, IOptions<ModelsOptions> options) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _loading = new(1);
    private readonly List<ServedModel> _others = []; // the one used last at the end
    private ServedModel? _champion;

    /// <summary>The version that answers requests which name none; null before the first is loaded.</summary>
    public string? ChampionId => Volatile.Read(ref _champion)?.Id;

    /// <summary>A hold on the champion; null before the first is loaded.</summary>
    public ModelLease? LeaseChampion()
    {
        lock (_lock) return _champion is null ? null : Lease(_champion);
    }

    /// <summary>A hold on a version if it is loaded.</summary>
    public ModelLease? Find(string id)
    {
        lock (_lock)
        {
            if (_champion?.Id == id) return Lease(_champion);
            if (_others.Find(m => m.Id == id) is not { } model) return null;
            _others.Remove(model);
            _others.Add(model);
            return Lease(model);
        }
    }

    /// <summary>Whether a version is loaded.</summary>
    public bool Has(string id)
    {
        lock (_lock) return _champion?.Id == id || _others.Exists(m => m.Id == id);
    }

    /// <summary>A hold on a version, loaded if it was not.</summary>
    /// <exception cref="ModelLoadException">It cannot be used.</exception>
    public async Task<ModelLease> LeaseAsync(ModelVersion version, CancellationToken cancellationToken)
    {
        if (Find(version.Id) is { } there) return there;
        await _loading.WaitAsync(cancellationToken);
        try
        {
            // Who waited finds what the one before loaded.
            return Find(version.Id) ?? Add(await loader.LoadAsync(version, cancellationToken));
        }
        finally
        {
            _loading.Release();
        }
    }

    /// <summary>Makes a model that the caller holds the champion; the old one goes when its last user lets go. The worker calls it between two batches.</summary>
    public bool Swap(ServedModel model)
    {
        ServedModel? old;
        lock (_lock)
        {
            if (_champion == model) return false;
            if (!_others.Remove(model)) model.Hold();
            old = _champion;
            Volatile.Write(ref _champion, model);
        }

        old?.LetGo();
        return true;
    }

    /// <summary>Forgets a version that nobody uses now.</summary>
    /// <returns>False if it is in use.</returns>
    public bool Forget(string id)
    {
        lock (_lock)
        {
            if (_champion?.Id == id) return false;
            if (_others.Find(m => m.Id == id) is not { } model) return true;
            if (model.Holders > 1) return false;
            _others.Remove(model);
            model.LetGo();
            return true;
        }
    }

    /// <summary>Lets go of all. A host may stop its services twice at the same time: the second finds nothing.</summary>
    public void Clear()
    {
        lock (_lock)
        {
            foreach (ServedModel model in _others) model.LetGo();
            _others.Clear();
            _champion?.LetGo();
            Volatile.Write(ref _champion, null);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _loading.Dispose();

    private ModelLease Add(ServedModel model)
    {
        lock (_lock)
        {
            _others.Add(model);
            ModelLease lease = Lease(model);
            while (_others.Count > options.Value.MaxLoaded)
            {
                _others[0].LetGo();
                _others.RemoveAt(0);
            }

            return lease;
        }
    }

    private static ModelLease Lease(ServedModel model)
    {
        model.Hold();
        return new ModelLease(model);
    }
}
