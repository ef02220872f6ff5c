using DenoiseService.Api.Storage;
using Microsoft.EntityFrameworkCore;

namespace DenoiseService.Api.Models;

/// <summary>The database's records and this process's state, as clients see them.</summary>
internal sealed class ModelView(IDbContextFactory<Store> stores, ModelRegistry registry, LoadedModels loaded, ModelStatus status)
{
    /// <summary>As in the header X-Model-Version.</summary>
    public static string LabelOf(ModelVersion version) => $"{version.Name}@{version.Sha256[..12]}";

    /// <summary>One page of the versions, the newest first.</summary>
    public async Task<ModelList> ListAsync(string? cursor, int limit, CancellationToken cancellationToken)
    {
        await using Store store = stores.CreateDbContext();
        List<ModelAlias> aliases = await AliasesAsync(store, cancellationToken);
        List<ModelVersion> page = await store.ModelVersions.AsNoTracking().Where(v => cursor == null || string.Compare(v.Id, cursor) < 0).OrderByDescending(v => v.Id).Take(limit + 1).ToListAsync(cancellationToken);
        string? next = page.Count > limit ? page[limit - 1].Id : null;
        return new ModelList(
            [.. page.Take(limit).Select(v => InfoOf(v, aliases))], ChampionOf(aliases), [.. aliases.Select(AliasInfo.Of)], [.. status.Refused.Select(r => new RefusedFile(r.Key, r.Value))], next);
    }

    /// <summary>One version.</summary>
    public async Task<ModelInfo> GetAsync(string reference, CancellationToken cancellationToken) => await InfoAsync(await registry.FindAsync(reference, cancellationToken), cancellationToken);

    /// <inheritdoc cref="GetAsync"/>
    public async Task<ModelInfo> InfoAsync(ModelVersion version, CancellationToken cancellationToken)
    {
        await using Store store = stores.CreateDbContext();
        return InfoOf(version, await AliasesAsync(store, cancellationToken));
    }

    /// <summary>One page of the log, the newest line first.</summary>
    public async Task<PromotionLog> LogAsync(string? cursor, int limit, CancellationToken cancellationToken)
    {
        await using Store store = stores.CreateDbContext();
        List<Promotion> page = await store.Promotions.AsNoTracking().Where(p => cursor == null || string.Compare(p.Id, cursor) < 0).OrderByDescending(p => p.Id).Take(limit + 1).ToListAsync(cancellationToken);
        return new PromotionLog([.. page.Take(limit).Select(PromotionInfo.Of)], page.Count > limit ? page[limit - 1].Id : null);
    }

    private static Task<List<ModelAlias>> AliasesAsync(Store store, CancellationToken cancellationToken) => store.ModelAliases.AsNoTracking().OrderBy(a => a.Name).ToListAsync(cancellationToken);

    private static string? ChampionOf(List<ModelAlias> aliases) => aliases.Find(a => a.Name == ModelNames.Champion)?.VersionId;

    private ModelInfo InfoOf(ModelVersion version, List<ModelAlias> aliases)
    {
        bool champion = version.Id == ChampionOf(aliases);
        string? error = champion && status.Failure is { } failure && failure.VersionId == version.Id ? failure.Error : null;
        ModelState state = loaded.Has(version.Id) ? ModelState.Ready : error is not null ? ModelState.Failed : champion ? ModelState.Loading : ModelState.Stored;
        return ModelInfo.Of(version, state, [.. aliases.Where(a => a.VersionId == version.Id).Select(a => a.Name)]) with { Error = error };
    }
}
