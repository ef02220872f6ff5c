using DenoiseService.Api.Errors;
using DenoiseService.Api.Serving;
using DenoiseService.Api.Storage;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Models;

/// <summary>
/// Registers what ships, then keeps serving what the alias champion names: looks every few seconds, loads a new one beside the old one, and swaps them between
/// two batches. What cannot be loaded changes nothing, is reported, and is tried again, less and less often.
/// </summary>
internal sealed partial class ChampionFollower(
    IDbContextFactory<Store> stores, StorageMonitor storage, ShippedModels shipped, LoadedModels loaded, ModelStatus status, ModelWorker worker, IOptions<ModelsOptions> options, TimeProvider time, ILogger<ChampionFollower> logger)
    : BackgroundService
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(1);
    private readonly SemaphoreSlim _turn = new(1);

    private TimeSpan Period => TimeSpan.FromSeconds(options.Value.PollSeconds);

    /// <summary>Looks now; ends when the champion is served, or was refused.</summary>
    public async Task FollowAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            await using Store store = stores.CreateDbContext();
            var alias = await store.ModelAliases.AsNoTracking().Where(a => a.Name == ModelNames.Champion).Select(a => new { a.VersionId, a.Revision }).SingleOrDefaultAsync(cancellationToken);
            status.NoChampion = alias is null;
            if (alias is null || alias.VersionId == loaded.ChampionId) status.Failure = null;
            else if (!Waits(alias.VersionId, alias.Revision)) await LoadAsync(await store.ModelVersions.AsNoTracking().SingleAsync(v => v.Id == alias.VersionId, cancellationToken), alias.Revision, cancellationToken);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>The worker has ended by now: this service was registered, and started, before it.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        loaded.Clear();
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _turn.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await storage.MigratedAsync(stoppingToken);
        // The champion before the other files: the service is ready when it is.
        foreach (Func<CancellationToken, Task> step in (Func<CancellationToken, Task>[])[shipped.RegisterDefaultAsync, FollowAsync, shipped.RegisterOthersAsync])
        {
            while (!await TryAsync(step, stoppingToken)) await Task.Delay(Period, time, stoppingToken);
        }

        while (true)
        {
            await Task.Delay(Period, time, stoppingToken);
            await TryAsync(FollowAsync, stoppingToken);
        }
    }

    /// <summary>False if the database was away, which its monitor reports: the same will work later. Anything unforeseen is logged and keeps nothing else from being done.</summary>
    private async Task<bool> TryAsync(Func<CancellationToken, Task> step, CancellationToken stoppingToken)
    {
        try
        {
            await step(stoppingToken);
            return true;
        }
        catch (Exception e) when (!stoppingToken.IsCancellationRequested)
        {
            bool away = StorageErrors.IsUnavailable(e);
            if (!away) LogUnforeseen(e);
            return !away;
        }
    }

    private async Task LoadAsync(ModelVersion version, long revision, CancellationToken cancellationToken)
    {
        try
        {
            using ModelLease lease = await loaded.LeaseAsync(version, cancellationToken);
            await worker.InvokeAsync(() => loaded.Swap(lease.Model));
            status.Failure = null;
            LogSwapped(lease.Model.Version, version.Id);
        }
        catch (ModelLoadException e)
        {
            int attempts = status.Failure is { } before && before.VersionId == version.Id ? before.Attempts + 1 : 1;
            TimeSpan wait = TimeSpan.FromSeconds(Math.Min(LongestWait.TotalSeconds, Period.TotalSeconds * Math.Pow(2, Math.Min(attempts, 20))));
            status.Failure = new FollowFailure(version.Id, revision, version.Name, e.Message, attempts, time.GetTimestamp(), wait);
            LogKept(version.Name, version.Id, attempts, wait.TotalSeconds);
        }
        catch (ApiException e) when (e.Kind == ProblemKind.Draining)
        {
            // The worker, started later, is stopped earlier.
        }
    }

    private bool Waits(string versionId, long revision) =>
        status.Failure is { } failure && (failure.VersionId, failure.Revision) == (versionId, revision) && time.GetElapsedTime(failure.At) < failure.Wait;

    [LoggerMessage(LogLevel.Information, "The champion is {Model}, version {Version}")]
    private partial void LogSwapped(string model, string version);

    [LoggerMessage(LogLevel.Error, "The champion {Model}, version {Version}, was refused at attempt {Attempt}; nothing is changed, the next attempt is in {Seconds:0.#} s")]
    private partial void LogKept(string model, string version, int attempt, double seconds);

    [LoggerMessage(LogLevel.Error, "The models could not be looked at")]
    private partial void LogUnforeseen(Exception exception);
}
