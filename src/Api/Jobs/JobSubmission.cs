using System.Collections.Concurrent;
using System.Reflection;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using DenoiseService.Api.Access;
using DenoiseService.Api.Datasets;
using DenoiseService.Api.Errors;
using DenoiseService.Api.Jobs.Engine;
using DenoiseService.Api.Serving;
using DenoiseService.Api.Storage;
using DenoiseService.Model;
using DenoiseService.Training;
using DenoiseService.Training.Data;
using DenoiseService.Training.Experiments;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Jobs;

/// <summary>Takes a request in: checked, stored with its first event, then answered. An Idempotency-Key makes repeating it safe.</summary>
internal sealed class JobSubmission(JobStore jobs, IDbContextFactory<Store> stores, DatasetCatalog datasets, JobModels models, JobEngine engine, IOptions<JobsOptions> options, IOptions<InferenceOptions> inference, TimeProvider time)
{
    private const int MaxBytes = 1 << 20, MaxKey = 200;
    private readonly ConcurrentDictionary<string, bool> _inFlight = new();

    /// <summary>Of the source, where the build knew it.</summary>
    public static string? Commit { get; } = typeof(JobSubmission).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+', 2).ElementAtOrDefault(1);

    /// <summary>Stores a new job, or finds the one that the same request made before.</summary>
    /// <exception cref="ApiException">400, 409 or 422.</exception>
    public async Task<(Job Job, bool Repeated)> SubmitAsync(JobKind kind, HttpRequest request, string? key, CancellationToken cancellationToken)
    {
        byte[] body = await ReadAsync(request, cancellationToken);
        string owner = request.HttpContext.GetCaller().Id;
        if (key is null) return (await StoreAsync(kind, body, owner, null, cancellationToken), false);
        if (key.Length is 0 or > MaxKey || !key.All(c => c is > ' ' and <= '~')) throw new ApiException(ProblemKind.InvalidParameter, $"Idempotency-Key must be 1 to {MaxKey} visible ASCII characters.") { Parameter = "Idempotency-Key" };
        string entry = $"{owner}\n{key}";
        if (!_inFlight.TryAdd(entry, true)) throw new ApiException(ProblemKind.KeyInFlight, "The first request with this Idempotency-Key is still being answered.") { Parameter = "Idempotency-Key", RetryAfter = TimeSpan.FromSeconds(1) };
        try
        {
            return await OnceAsync(kind, body, owner, key, cancellationToken);
        }
        finally
        {
            _inFlight.TryRemove(entry, out _);
        }
    }

    /// <summary>A new job that goes on where another one ended.</summary>
    /// <exception cref="ApiException">409: there is nothing to go on from.</exception>
    public async Task<Job> ContinueAsync(Job parent, CancellationToken cancellationToken)
    {
        await using Store store = stores.CreateDbContext();
        List<JobCheckpoint> points = await store.JobCheckpoints.AsNoTracking().Where(c => c.JobId == parent.Id).ToListAsync(cancellationToken);
        if (JobPlan.CheckpointOf(parent, goesOn: points.Count > 0) is { } model && !await models.HasAsync(model, cancellationToken))
        {
            throw new ApiException(ProblemKind.JobState, "The model that the job reads was deleted, and the job has no weights of its own yet: there is nothing to go on from.") { Parameter = "model", Actual = model };
        }

        Job job = New(parent.Kind, parent.Request, parent.EffectiveRequest!, parent.Seed, parent.Owner, null, null, parent.Id);
        if (points.Count > 0) job.DataChecksum = parent.DataChecksum; // one curve is of one set of pictures
        DateTimeOffset now = time.GetUtcNow();
        await jobs.AddAsync(job, [.. points.Select(c => new JobCheckpoint { JobId = job.Id, Step = c.Step, Sha256 = c.Sha256, Length = c.Length, Metrics = c.Metrics, CreatedAt = now })], cancellationToken);
        await engine.WakeAsync(job.Id);
        return job;
    }

    private async Task<(Job Job, bool Repeated)> OnceAsync(JobKind kind, byte[] body, string owner, string key, CancellationToken cancellationToken)
    {
        string sum = Convert.ToHexStringLower(SHA256.HashData([.. System.Text.Encoding.ASCII.GetBytes($"{kind}\n"), .. body]));
        if (await FindAsync() is { } known) return (known, true);
        try
        {
            return (await StoreAsync(kind, body, owner, (key, sum), cancellationToken), false);
        }
        catch (DbUpdateException e) when (StorageErrors.IsDuplicate(e))
        {
            return (await FindAsync() ?? throw new ApiException(ProblemKind.KeyInFlight, "Another replica is answering a request with this Idempotency-Key."), true);
        }

        async Task<Job?> FindAsync()
        {
            await using Store store = stores.CreateDbContext();
            Job? found = await store.Jobs.AsNoTracking().SingleOrDefaultAsync(j => j.Owner == owner && j.IdempotencyKey == key, cancellationToken);
            if (found is not null && found.BodySha256 != sum) throw new ApiException(ProblemKind.KeyReused, "This Idempotency-Key was sent with another body or to another address.") { Parameter = "Idempotency-Key" };
            return found;
        }
    }

    private async Task<Job> StoreAsync(JobKind kind, byte[] body, string owner, (string Key, string Sum)? once, CancellationToken cancellationToken)
    {
        JsonObject asked = JobJson.Parse(body);
        IReadOnlyList<string> known = await datasets.NamesAsync(cancellationToken);
        await SplitAsync(kind, asked, known, cancellationToken);
        await PinAsync(kind, asked, cancellationToken);
        var plan = JobPlan.Of(kind, asked, options.Value.Threads);
        if (plan.Trained is { } network) CheckMemory(network);
        foreach ((string field, string name) in plan.Datasets.DistinctBy(d => d.Name)) DatasetCatalog.Check(known, field, name, plan.NeedsArchive);
        Job job = New(kind, System.Text.Encoding.UTF8.GetString(body), plan.Effective, plan.Seed, owner, once?.Key, once?.Sum, null);
        await jobs.AddAsync(job, [], cancellationToken);
        await engine.WakeAsync(job.Id);
        return job;
    }

    /// <summary>An experiment that names no ranges gets the split that fits the archive.</summary>
    private async Task SplitAsync(JobKind kind, JsonObject asked, IReadOnlyList<string> known, CancellationToken cancellationToken)
    {
        if (kind is not (JobKind.Ablation or JobKind.Robustness) || asked["data"] is not JsonObject data || data["path"] is not JsonValue path || !path.TryGetValue(out string? name)) return;
        if (data["train"] is not null || data["validation"] is not null || data["test"] is not null) return;
        DatasetCatalog.Check(known, "data.path", name, archive: true);
        try
        {
            var split = ExperimentData.Of((await datasets.ResolveAsync(name, cancellationToken)).Folder);
            (data["train"], data["validation"], data["test"]) = (split.Train, split.Validation, split.Test);
        }
        catch (DataSetException)
        {
            throw JobJson.Invalid("data", $"The images of {name} cannot be split here; name train, validation and test.");
        }
    }

    /// <summary>An alias may move before the job runs, or between its runs: the version that it means now is the job's.</summary>
    private async Task PinAsync(JobKind kind, JsonObject asked, CancellationToken cancellationToken)
    {
        string field = kind == JobKind.Training ? "initial" : "checkpoint";
        if (kind is not (JobKind.Training or JobKind.RoutingStudy or JobKind.Evaluation) || asked[field] is not JsonValue value || !value.TryGetValue(out string? model)) return;
        ModelVersion version = await models.PinAsync(field, model, cancellationToken);
        asked[field] = version.Id;
        JsonNode config = JsonNode.Parse(version.Config)!;
        if (kind == JobKind.Training)
        {
            asked["model"] ??= config;
            if (CanBeTold(asked["model"])) asked["toldShare"] ??= Recipe.UsualToldShare; // or it would forget how
        }

        if (kind == JobKind.Evaluation && !CanBeTold(config) && (asked["protocol"] as JsonObject)?["told"] is JsonValue told && told.TryGetValue(out bool tell) && tell)
        {
            throw JobJson.Invalid("protocol.told", $"protocol.told is true; it must be false, for {model} cannot be told the noise level.");
        }
    }

    /// <summary>Weights that this service could not load are not worth the training.</summary>
    private void CheckMemory(ModelConfig network)
    {
        try
        {
            Denoiser.CheckMemory(network, inference.Value.ToDenoiserOptions(network));
        }
        catch (ModelConfigException e)
        {
            throw JobJson.Invalid("model", e.Message);
        }
    }

    private static bool CanBeTold(JsonNode? config) => config is JsonObject fields && fields["noiseLevelInput"] is JsonValue value && value.TryGetValue(out bool reads) && reads;

    private Job New(JobKind kind, string request, string effective, long seed, string owner, string? key, string? sum, string? parent)
    {
        DateTimeOffset now = time.GetUtcNow();
        return new Job { Id = Ids.New(time), Kind = kind, Request = request, EffectiveRequest = effective, Seed = seed, Owner = owner, IdempotencyKey = key, BodySha256 = sum, ParentId = parent, Commit = Commit, CreatedAt = now, UpdatedAt = now };
    }

    private static async Task<byte[]> ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        using var buffer = new MemoryStream();
        byte[] chunk = new byte[16 << 10];
        for (int read; (read = await request.Body.ReadAsync(chunk, cancellationToken)) > 0;)
        {
            if (buffer.Length + read > MaxBytes) throw new ApiException(ProblemKind.TooLarge, $"The body has more than {MaxBytes} bytes.") { Parameter = "bytes", Limit = MaxBytes };
            buffer.Write(chunk, 0, read);
        }

        return buffer.ToArray();
    }
}
