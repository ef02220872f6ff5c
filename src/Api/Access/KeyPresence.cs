using DenoiseService.Api.Storage;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Access;

/// <summary>
/// Whether keys are asked for: the settings say so, or a key was ever made. Revoked and expired ones count, so that a service never opens by itself. Thread-safe.
/// </summary>
internal sealed class KeyPresence(IDbContextFactory<Store> stores, StorageMonitor storage, IOptions<SecurityOptions> options, TimeProvider time)
{
    private readonly TimeSpan _believed = TimeSpan.FromSeconds(options.Value.KeyCacheSeconds);
    private readonly Lock _lock = new();
    private volatile bool _required = options.Value.DemandKeys; // keys are never deleted, so true stays true
    private long? _lookedAt;

    /// <exception cref="Errors.ApiException">503 if that is not known yet and the database is away.</exception>
    public async ValueTask<bool> KeysRequiredAsync(CancellationToken cancellationToken)
    {
        if (_required || BelieveNone()) return _required;
        bool known = _lookedAt is not null;
        try
        {
            storage.DemandTables();
            long now = time.GetTimestamp();
            await using Store store = stores.CreateDbContext();
            if (await store.ApiKeys.AnyAsync(cancellationToken)) _required = true;
            lock (_lock) _lookedAt = now;
        }
        catch (Exception e) when (known && StorageErrors.IsUnavailable(e))
        {
            // There was none a moment ago, and pictures need no database: the own machine is still served.
        }

        return _required;
    }

    /// <summary>A key was made here.</summary>
    public void Made() => _required = true;

    // One request looks again, the others need not wait for it.
    private bool BelieveNone()
    {
        lock (_lock)
        {
            if (_lookedAt is not { } at) return false;
            if (time.GetElapsedTime(at) < _believed) return true;
            _lookedAt = time.GetTimestamp();
            return false;
        }
    }
}
