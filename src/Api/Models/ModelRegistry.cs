using System.Security.Cryptography;
using DenoiseService.Api.Errors;
using DenoiseService.Api.Jobs;
using DenoiseService.Api.Storage;
using DenoiseService.Model;
using Microsoft.EntityFrameworkCore;

namespace DenoiseService.Api.Models;

/// <summary>The versions in the database: registered once, never changed, found by alias, id, name@checksum or name, deleted when nothing needs them.</summary>
internal sealed class ModelRegistry(IDbContextFactory<Store> stores, BlobStore blobs, ModelLoader loader, LoadedModels loaded, TimeProvider time)
{
    /// <summary>Verifies and stores a checkpoint, bytes first, then the record; any number of processes may bring the same at once.</summary>
    /// <param name="checkpoint">What to store.</param>
    /// <param name="nominatedBy">Who makes it the candidate if it is new; null: nobody does.</param>
    /// <param name="cancellationToken">Before anything is stored.</param>
    /// <exception cref="ModelLoadException">The checkpoint cannot be used; the message says why.</exception>
    public async Task<(ModelVersion Version, bool Created)> AddAsync(NewCheckpoint checkpoint, MovedBy? nominatedBy, CancellationToken cancellationToken)
    {
        if (!ModelNames.IsName(checkpoint.Name)) throw new ArgumentException($"{checkpoint.Name} is not a name of a model.", nameof(checkpoint));
        string sha256 = Convert.ToHexStringLower(SHA256.HashData(checkpoint.Weights));
        await using (Store store = stores.CreateDbContext())
        {
            if (await BySha(store, sha256, cancellationToken) is { } known) return (known, false);
        }

        CheckpointCard card = await loader.CheckAsync(checkpoint.Weights, checkpoint.Card, checkpoint.Name, cancellationToken);
        await blobs.PutAsync(checkpoint.Weights, cancellationToken);
        return await stores.SaveAsync(async store =>
        {
            if (await BySha(store, sha256, cancellationToken) is { } known) return (known, false);
            var now = DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds()); // as the database keeps it
            ModelVersion version = checkpoint.ToVersion(Ids.New(time), sha256, card, now);
            store.ModelVersions.Add(version);
            if (nominatedBy is not null) await store.NominateAsync(version.Id, nominatedBy, now, () => Ids.New(time), cancellationToken);
            return (version, true);
        }, cancellationToken);
    }

    /// <summary>The version that somebody means: by alias, by id, by name@checksum, or by name, which means the newest of that name.</summary>
    /// <exception cref="ApiException">404 if there is none.</exception>
    public async Task<ModelVersion> FindAsync(string reference, CancellationToken cancellationToken)
    {
        await using Store store = stores.CreateDbContext();
        return (ModelNames.IsReference(reference) ? await FindAsync(store, reference, cancellationToken) : null) ?? throw new ApiException(ProblemKind.UnknownModel, "No model is called so: it is neither an alias, nor an id, nor a name.")
        {
            Parameter = "model",
            Actual = Excerpt.Of(reference),
            Accepted =
            [
                .. await store.ModelAliases.AsNoTracking().Select(a => a.Name).OrderBy(n => n).ToListAsync(cancellationToken),
                .. await store.ModelVersions.AsNoTracking().Select(v => v.Name).Distinct().OrderBy(n => n).Take(20).ToListAsync(cancellationToken),
            ],
        };
    }

    /// <summary>Deletes a version that has no alias, that no open job reads and that is not in use here; its bytes go a while later.</summary>
    /// <exception cref="ApiException">404 if there is none of this id, 409 if it is needed.</exception>
    public async Task DeleteAsync(string id, CancellationToken cancellationToken)
    {
        ModelVersion version = await FindAsync(id, cancellationToken);
        await using Store store = stores.CreateDbContext();
        List<string> aliases = await store.ModelAliases.AsNoTracking().Where(a => a.VersionId == version.Id).Select(a => a.Name).ToListAsync(cancellationToken);
        if (aliases.Count > 0) throw InUse($"It is {string.Join(" and ", aliases)}.", string.Join(", ", aliases));
        if (version.Id != id) throw new ApiException(ProblemKind.UnknownModel, "Only an id says which version to delete.") { Parameter = "id", Actual = id, Accepted = [version.Id] };
        List<Job> open = await store.Jobs.AsNoTracking().Open().ToListAsync(cancellationToken);
        if (open.FirstOrDefault(j => JobPlan.CheckpointOf(j) == id) is { } user) throw InUse($"Job {user.Id} reads it and has not ended.", user.Id);
        if (!loaded.Forget(id)) throw InUse("It is answering requests.", "served");
        try
        {
            await store.ModelVersions.Where(v => v.Id == id).ExecuteDeleteAsync(cancellationToken);
        }
        catch (Exception e) when (StorageErrors.IsReference(e))
        {
            throw InUse("It has just got an alias.", "alias");
        }

        ApiException InUse(string sentence, string actual) => new(ProblemKind.ModelInUse, $"Version {version.Id} cannot be deleted. {sentence}") { Parameter = "id", Limit = "no alias, no open job, not served", Actual = actual };
    }

    private static async Task<ModelVersion?> FindAsync(Store store, string reference, CancellationToken cancellationToken)
    {
        IQueryable<ModelVersion> versions = store.ModelVersions.AsNoTracking();
        if (reference.Split('@') is [var label, var beginning]) return await versions.FirstOrDefaultAsync(v => v.Name == label && v.Sha256.StartsWith(beginning), cancellationToken);
        string id = await store.ModelAliases.AsNoTracking().Where(a => a.Name == reference).Select(a => a.VersionId).SingleOrDefaultAsync(cancellationToken) ?? reference;
        return await versions.SingleOrDefaultAsync(v => v.Id == id, cancellationToken)
            ?? await versions.Where(v => v.Name == reference).OrderByDescending(v => v.Id).FirstOrDefaultAsync(cancellationToken);
    }

    private static Task<ModelVersion?> BySha(Store store, string sha256, CancellationToken cancellationToken) => store.ModelVersions.AsNoTracking().SingleOrDefaultAsync(v => v.Sha256 == sha256, cancellationToken);
}
