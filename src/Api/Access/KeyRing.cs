using System.Collections.Concurrent;
using DenoiseService.Api.Errors;
using DenoiseService.Api.Storage;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Access;

/// <summary>
/// Says whose key it is. A stored key is found by its id, and believed for <see cref="SecurityOptions.KeyCacheSeconds"/>: after that time every replica knows of a
/// revocation. Unknown ids are not remembered, so strangers cannot fill the memory: it holds at most the keys there are. Thread-safe.
/// </summary>
internal sealed class KeyRing(IDbContextFactory<Store> stores, StorageMonitor storage, KeyUsage usage, IOptions<SecurityOptions> options, TimeProvider time)
{
    private readonly ConcurrentDictionary<string, (ApiKey Key, long ReadAt)> _read = new();
    private readonly TimeSpan _believed = TimeSpan.FromSeconds(options.Value.KeyCacheSeconds);
    private readonly byte[]? _configured = options.Value.HasAdminKey ? KeyFormat.Hash(options.Value.AdminKey!) : null;

    /// <exception cref="ApiException">401 if it is no key, or no more; 503 if the database is needed and away.</exception>
    public async Task<Caller> IdentifyAsync(string presented, CancellationToken cancellationToken)
    {
        if (_configured is not null && KeyFormat.Matches(presented, _configured)) return new Caller(Caller.ConfiguredId, KeyScopes.Admin);
        ApiKey? key = KeyFormat.IdOf(presented) is { } id ? await FindAsync(id, cancellationToken) : null;
        if (key is null || !KeyFormat.Matches(presented, key.Hash)) throw AccessRefusals.Invalid("The key is not known.");
        // Only who has the whole key learns that it was one.
        if (key.RevokedAt is not null) throw AccessRefusals.Invalid($"The key {key.Prefix} was revoked.");
        if (key.ExpiresAt <= time.GetUtcNow()) throw AccessRefusals.Invalid($"The key {key.Prefix} has expired.");
        usage.Used(key.Id);
        return new Caller(key.Id, key.Scopes, key.RateLimitPerMinute);
    }

    /// <summary>Reads a key again at its next use.</summary>
    public void Forget(string id) => _read.TryRemove(id, out _);

    private async Task<ApiKey?> FindAsync(string id, CancellationToken cancellationToken)
    {
        if (_read.TryGetValue(id, out var known) && time.GetElapsedTime(known.ReadAt) < _believed) return known.Key;
        storage.DemandTables();
        long readAt = time.GetTimestamp(); // before the query: what it answers may be that old
        await using Store store = stores.CreateDbContext();
        ApiKey? key = await store.ApiKeys.AsNoTracking().SingleOrDefaultAsync(k => k.Id == id, cancellationToken);
        if (key is not null) _read[id] = (key, readAt);
        return key;
    }
}
