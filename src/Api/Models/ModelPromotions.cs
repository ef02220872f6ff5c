using DenoiseService.Api.Errors;
using DenoiseService.Api.Serving;
using DenoiseService.Api.Storage;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Models;

/// <summary>Moves the aliases. What shall become champion is loaded first: one that cannot be loaded changes nothing.</summary>
internal sealed class ModelPromotions(IDbContextFactory<Store> stores, ModelRegistry registry, LoadedModels loaded, ChampionFollower follower, IOptions<ModelsOptions> options, TimeProvider time)
{
    private const int MaxReason = 500;

    /// <summary>Points an alias to a version; for the champion, past the gate.</summary>
    /// <exception cref="ApiException">400, 404, or 422 where the gate refuses or the weights cannot be used.</exception>
    public async Task<PromotionResult> PromoteAsync(string reference, PromoteRequest request, string by, CancellationToken cancellationToken)
    {
        string alias = request.Alias ?? ModelNames.Champion;
        if (alias is not (ModelNames.Champion or ModelNames.Candidate)) throw Invalid("alias", $"alias is {Excerpt.Of(alias)}; it must be champion or candidate.", "champion or candidate", Excerpt.Of(alias));
        string? reason = Checked(request.Reason);
        if (request.Force && reason is null) throw Invalid("reason", "force needs a reason.", "a text", "none");
        ModelVersion version = await registry.FindAsync(reference, cancellationToken);
        if (alias == ModelNames.Champion)
        {
            return await CrownAsync(version, new MovedBy(by, request.Force ? $"Forced: {reason}" : reason), store => request.Force ? Task.CompletedTask : GateAsync(store, version, cancellationToken), cancellationToken);
        }

        string? before = await SaveAsync(version, store => store.NominateAsync(version.Id, new MovedBy(by, reason), time.GetUtcNow(), NewId, cancellationToken), cancellationToken);
        return Result(alias, version, before);
    }

    /// <summary>Makes the previous champion champion again, without asking the gate; the present one becomes previous.</summary>
    /// <exception cref="ApiException">409 if there is no previous one, 422 if its weights cannot be used.</exception>
    public async Task<PromotionResult> RollBackAsync(RollbackRequest request, string by, CancellationToken cancellationToken)
    {
        string reason = Checked(request.Reason) is { } given ? $"Rollback: {given}" : "Rollback.";
        string id;
        await using (Store store = stores.CreateDbContext()) id = await PreviousAsync(store);
        return await CrownAsync(await registry.FindAsync(id, cancellationToken), new MovedBy(by, reason, IsRollback: true), async store =>
        {
            if (await PreviousAsync(store) != id) throw new ApiException(ProblemKind.NoPreviousModel, "Somebody else has just changed the champion; look again.") { Parameter = "previous", Actual = id };
        }, cancellationToken);

        async Task<string> PreviousAsync(Store store) =>
            (await store.AliasAsync(ModelNames.Previous, cancellationToken))?.VersionId ?? throw new ApiException(ProblemKind.NoPreviousModel, "There was no champion before this one.") { Parameter = "previous" };
    }

    private async Task<PromotionResult> CrownAsync(ModelVersion version, MovedBy by, Func<Store, Task> check, CancellationToken cancellationToken)
    {
        // First, for it is cheap; and again with what is champion when it is saved.
        await using (Store store = stores.CreateDbContext()) await check(store);
        using ModelLease proven = await ProvenAsync(version, cancellationToken);
        string? before = await SaveAsync(version, async store =>
        {
            await check(store);
            return await store.CrownAsync(version.Id, by, time.GetUtcNow(), NewId, cancellationToken);
        }, cancellationToken);
        await follower.FollowAsync(cancellationToken); // here at once; other replicas at their next look
        return Result(ModelNames.Champion, version, before);
    }

    private async Task GateAsync(Store store, ModelVersion version, CancellationToken cancellationToken)
    {
        string? id = (await store.AliasAsync(ModelNames.Champion, cancellationToken))?.VersionId;
        if (id == version.Id) return;
        ModelVersion? champion = await store.ModelVersions.AsNoTracking().SingleOrDefaultAsync(v => v.Id == id, cancellationToken);
        if (ModelGate.Refusal(options.Value, version, champion) is { } refusal) throw refusal;
    }

    private async Task<ModelLease> ProvenAsync(ModelVersion version, CancellationToken cancellationToken)
    {
        try
        {
            return await loaded.LeaseAsync(version, cancellationToken);
        }
        catch (ModelLoadException e)
        {
            throw new ApiException(ProblemKind.ModelRefused, $"Model {version.Name} (version {version.Id}) was refused, nothing is changed: {e.Message}") { Parameter = "id", Actual = version.Id };
        }
    }

    private async Task<string?> SaveAsync(ModelVersion version, Func<Store, Task<string?>> change, CancellationToken cancellationToken)
    {
        try
        {
            return await stores.SaveAsync(change, cancellationToken);
        }
        catch (DbUpdateException e) when (StorageErrors.IsReference(e))
        {
            throw new ApiException(ProblemKind.UnknownModel, "The version has just been deleted.") { Parameter = "id", Actual = version.Id };
        }
    }

    private PromotionResult Result(string alias, ModelVersion version, string? before) =>
        new(alias, version.Id, ModelView.LabelOf(version), before, before != version.Id, loaded.ChampionId == version.Id);

    private string NewId() => Ids.New(time);

    private static string? Checked(string? reason)
    {
        if (string.IsNullOrWhiteSpace(reason)) return null;
        if (reason.Length > MaxReason) throw Invalid("reason", $"reason has {reason.Length} characters; it may have {MaxReason}.", MaxReason, reason.Length);
        return reason.Any(char.IsControl) ? throw Invalid("reason", "reason has control characters.", "one line of text", "control characters") : reason;
    }

    private static ApiException Invalid(string parameter, string sentence, object limit, object actual) => new(ProblemKind.InvalidParameter, sentence) { Parameter = parameter, Limit = limit, Actual = actual };
}
