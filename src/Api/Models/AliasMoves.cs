using DenoiseService.Api.Storage;
using Microsoft.EntityFrameworkCore;

namespace DenoiseService.Api.Models;

/// <summary>Who moved an alias, and why.</summary>
internal sealed record MovedBy(string By, string? Reason = null, bool IsRollback = false);

/// <summary>Moves aliases and writes the log; saving is the caller's.</summary>
internal static class AliasMoves
{
    /// <summary>Where an alias points.</summary>
    public static Task<ModelAlias?> AliasAsync(this Store store, string name, CancellationToken cancellationToken) => store.ModelAliases.SingleOrDefaultAsync(a => a.Name == name, cancellationToken);

    /// <summary>Makes a version the champion: the one before becomes previous, and a candidate that has arrived is none any more.</summary>
    /// <returns>The champion before; null if there was none.</returns>
    public static async Task<string?> CrownAsync(this Store store, string versionId, MovedBy by, DateTimeOffset now, Func<string> newId, CancellationToken cancellationToken)
    {
        ModelAlias? champion = await store.AliasAsync(ModelNames.Champion, cancellationToken);
        string? before = champion?.VersionId;
        if (before == versionId) return before;
        store.Point(champion, ModelNames.Champion, versionId, now);
        store.Log(ModelNames.Champion, before, versionId, by, now, newId());
        if (before is not null) store.Point(await store.AliasAsync(ModelNames.Previous, cancellationToken), ModelNames.Previous, before, now);
        if (await store.AliasAsync(ModelNames.Candidate, cancellationToken) is { } candidate && candidate.VersionId == versionId)
        {
            store.ModelAliases.Remove(candidate);
            store.Log(ModelNames.Candidate, versionId, null, by with { Reason = "It became champion.", IsRollback = false }, now, newId());
        }

        return before;
    }

    /// <summary>Makes a version the candidate.</summary>
    /// <returns>The candidate before; null if there was none.</returns>
    public static async Task<string?> NominateAsync(this Store store, string versionId, MovedBy by, DateTimeOffset now, Func<string> newId, CancellationToken cancellationToken)
    {
        ModelAlias? candidate = await store.AliasAsync(ModelNames.Candidate, cancellationToken);
        string? before = candidate?.VersionId;
        if (before == versionId) return before;
        store.Point(candidate, ModelNames.Candidate, versionId, now);
        store.Log(ModelNames.Candidate, before, versionId, by, now, newId());
        return before;
    }

    private static void Point(this Store store, ModelAlias? alias, string name, string versionId, DateTimeOffset now)
    {
        if (alias is null) store.ModelAliases.Add(new ModelAlias { Name = name, VersionId = versionId, UpdatedAt = now });
        else (alias.VersionId, alias.UpdatedAt) = (versionId, now);
    }

    private static void Log(this Store store, string alias, string? from, string? to, MovedBy by, DateTimeOffset now, string id) =>
        store.Promotions.Add(new Promotion { Id = id, Alias = alias, FromVersionId = from, ToVersionId = to, At = now, By = by.By, Reason = by.Reason, IsRollback = by.IsRollback });
}
