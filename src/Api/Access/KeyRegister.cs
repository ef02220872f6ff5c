using System.Data;
using DenoiseService.Api.Errors;
using DenoiseService.Api.Storage;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Access;

/// <summary>Makes, lists and revokes the stored keys. There is always a way left to do so: without an admin key nothing else can be made or revoked.</summary>
internal sealed partial class KeyRegister(IDbContextFactory<Store> stores, KeyRing ring, KeyPresence presence, IOptions<SecurityOptions> options, TimeProvider time, ILogger<KeyRegister> logger)
{
    private const int Attempts = 5;

    /// <summary>Stores a new key; its text is known only to who gets it from here.</summary>
    /// <exception cref="ApiException">400 if the request is out of range; 409 if it is the first key and no admin's.</exception>
    public async Task<(ApiKey Key, string Text)> MakeAsync(NewKey wanted, Caller by, CancellationToken cancellationToken)
    {
        KeyScopes scopes = NewKeyCheck.Check(wanted, time.GetUtcNow());
        await using Store store = stores.CreateDbContext();
        if (!scopes.HasFlag(KeyScopes.Admin) && !options.Value.HasAdminKey && !await UsableAdmins(store).AnyAsync(cancellationToken))
        {
            throw AdminNeeded("From the first key on every request needs one, so the first must have the scope admin.");
        }

        string id = KeyFormat.NewId(), text = KeyFormat.NewKey(id);
        ApiKey key = Record(id, text, wanted.Name.Trim(), scopes, wanted.PatchesPerMinute, wanted.ExpiresAt);
        store.Add(key);
        await store.SaveChangesAsync(cancellationToken);
        presence.Made();
        LogMade(key.Prefix, scopes.Names(), by.Display);
        return (key, text);
    }

    /// <summary>Makes the very first key, an admin's, unless there is any; of several replicas one does.</summary>
    /// <returns>Its text, or null if there is a key already.</returns>
    public async Task<string?> MakeFirstAsync(CancellationToken cancellationToken)
    {
        const string id = "000000000001"; // the same for all replicas: the table takes it once
        await using Store store = stores.CreateDbContext();
        if (await store.ApiKeys.AnyAsync(cancellationToken)) return null;
        string text = KeyFormat.NewKey(id);
        store.Add(Record(id, text, "first admin key", KeyScopes.Admin, null, null));
        try
        {
            await store.SaveChangesAsync(cancellationToken);
            return text;
        }
        catch (DbUpdateException e) when (StorageErrors.IsDuplicate(e))
        {
            return null;
        }
    }

    /// <summary>The newest first.</summary>
    public async Task<IReadOnlyList<ApiKey>> ListAsync(CancellationToken cancellationToken)
    {
        await using Store store = stores.CreateDbContext();
        return await store.ApiKeys.AsNoTracking().OrderByDescending(k => k.CreatedAt).ThenBy(k => k.Id).ToListAsync(cancellationToken);
    }

    /// <summary>Revokes a key, for good; once or often.</summary>
    /// <exception cref="ApiException">404 if there is none; 409 if it is the last admin's.</exception>
    public async Task RevokeAsync(string id, Caller by, CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                await TryRevokeAsync(id, by, cancellationToken);
                break;
            }
            catch (Exception e) when (attempt < Attempts && StorageErrors.IsSerializationFailure(e))
            {
                // Another one was revoked at the same moment: look again.
            }
        }

        ring.Forget(id);
    }

    private async Task TryRevokeAsync(string id, Caller by, CancellationToken cancellationToken)
    {
        await using Store store = stores.CreateDbContext();
        // Serializable: two admins who revoke each other at the same moment must not both succeed.
        await using IDbContextTransaction transaction = await store.Database.BeginTransactionAsync(IsolationLevel.Serializable, cancellationToken);
        ApiKey key = await store.ApiKeys.SingleOrDefaultAsync(k => k.Id == id, cancellationToken) ?? throw new ApiException(ProblemKind.UnknownKey, "No key has this id.") { Parameter = "id", Actual = id };
        if (key.RevokedAt is not null) return;
        if (key.Scopes.HasFlag(KeyScopes.Admin) && !options.Value.HasAdminKey && !await UsableAdmins(store).AnyAsync(k => k.Id != id, cancellationToken))
        {
            throw AdminNeeded("This is the last admin key that can be used; make another one first.");
        }

        key.RevokedAt = time.GetUtcNow();
        await store.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        LogRevoked(key.Prefix, by.Display);
    }

    private IQueryable<ApiKey> UsableAdmins(Store store)
    {
        DateTimeOffset now = time.GetUtcNow();
        return store.ApiKeys.Where(k => (k.Scopes & KeyScopes.Admin) != 0 && k.RevokedAt == null && (k.ExpiresAt == null || k.ExpiresAt > now));
    }

    private ApiKey Record(string id, string text, string name, KeyScopes scopes, long? patchesPerMinute, DateTimeOffset? expiresAt) => new()
    {
        Id = id,
        Name = name,
        Prefix = KeyFormat.Prefix(id),
        Hash = KeyFormat.Hash(text),
        Scopes = scopes,
        RateLimitPerMinute = patchesPerMinute,
        CreatedAt = DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds()), // as it will be read back
        ExpiresAt = expiresAt,
    };

    private static ApiException AdminNeeded(string sentence) => new(ProblemKind.AdminKeyNeeded, sentence);

    [LoggerMessage(LogLevel.Information, "Key {Prefix} with {Scopes} was made by {By}")]
    private partial void LogMade(string prefix, string scopes, string by);

    [LoggerMessage(LogLevel.Information, "Key {Prefix} was revoked by {By}")]
    private partial void LogRevoked(string prefix, string by);
}
