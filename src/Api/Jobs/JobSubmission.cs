using System.Collections.Concurrent;
using System.Reflection;
using System.Security.Cryptography;
using DenoiseService.Api.Access;
using DenoiseService.Api.Errors;
using DenoiseService.Api.Jobs.Engine;
using DenoiseService.Api.Storage;
using Microsoft.EntityFrameworkCore;

namespace DenoiseService.Api.Jobs;

/// <summary>Takes a request in: checked, stored with its first event, then answered. An Idempotency-Key makes repeating it safe.</summary>
internal sealed class JobSubmission(JobStore jobs, IDbContextFactory<Store> stores, JobPlanner planner, JobModels models, JobEngine engine, TimeProvider time)
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
        JobPlan plan = await planner.PlanAsync(kind, JobJson.Parse(body), cancellationToken);
        Job job = New(kind, System.Text.Encoding.UTF8.GetString(body), plan.Effective, plan.Seed, owner, once?.Key, once?.Sum, null);
        await jobs.AddAsync(job, [], cancellationToken);
        await engine.WakeAsync(job.Id);
        return job;
    }

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
