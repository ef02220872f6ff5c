using System.Text.Json;
using System.Text.Json.Nodes;
using DenoiseService.Api.Errors;
using DenoiseService.Api.Storage;
using Microsoft.EntityFrameworkCore;

namespace DenoiseService.Api.Jobs;

/// <summary>One change of a job that is being made: alter it, add events and rows; all is saved together or not at all.</summary>
/// <param name="Store">For rows beside the job.</param>
/// <param name="Job">To be altered.</param>
/// <param name="Now">One time for everything.</param>
internal sealed record JobChange(Store Store, Job Job, DateTimeOffset Now)
{
    private long _last;

    /// <summary>Sequence number of the newest stored event.</summary>
    public required long Last
    {
        init => _last = value;
    }

    /// <summary>Adds an event; every event says under which lease it was written.</summary>
    public void Event(string type, JsonObject data)
    {
        data["lease"] = Job.LeaseNumber;
        Store.JobEvents.Add(new JobEvent { JobId = Job.Id, Sequence = ++_last, At = Now, Type = type, Data = data.ToJsonString() });
    }

    /// <summary>Adds a line to the log.</summary>
    public void Log(string message) => Event(JobEvents.Log, new JsonObject { ["message"] = message });

    /// <summary>Adds a file of the job, or puts another in its place.</summary>
    /// <returns>Whether anything is new.</returns>
    public bool Artifact(string name, string mediaType, string sha256, long length)
    {
        JobArtifact? known = Store.JobArtifacts.SingleOrDefault(a => a.JobId == Job.Id && a.Name == name);
        if (known?.Sha256 == sha256) return false;
        if (known is not null) (known.Sha256, known.Length) = (sha256, length);
        else Store.JobArtifacts.Add(new JobArtifact { Id = Ids.New(Now), JobId = Job.Id, Name = name, MediaType = mediaType, Sha256 = sha256, Length = length, CreatedAt = Now });
        return true;
    }

    /// <summary>Moves to another state and says so.</summary>
    /// <exception cref="JobStateException">Nothing leads there.</exception>
    public void Move(JobState to, string? reason = null)
    {
        string? owner = Job.LeaseOwner;
        Job.Move(to, Now);
        var data = new JsonObject { ["state"] = JsonSerializer.SerializeToNode(to) };
        if (to == JobState.Running) data["owner"] = owner;
        if (reason is not null) data["reason"] = reason;
        Event(JobEvents.State, data);
    }
}

/// <summary>Kinds of events.</summary>
internal static class JobEvents
{
    public const string State = "state", Progress = "progress", Validation = "validation", Log = "log", Checkpoint = "checkpoint", Artifact = "artifact", Sample = "sample", Model = "model";
}

/// <summary>
/// Jobs in the database. Every change goes through <see cref="ChangeAsync"/>: read, altered and saved only if nobody altered the job meanwhile (its
/// revision), else read and altered again. So what a change decides by, such as the lease's number or the state, still holds when it is saved.
/// </summary>
internal sealed class JobStore(IDbContextFactory<Store> stores, TimeProvider time)
{
    /// <summary>Events that are read at once.</summary>
    public const int EventPage = 500;

    /// <summary>One job.</summary>
    /// <exception cref="ApiException">404.</exception>
    public async Task<Job> GetAsync(string id, CancellationToken cancellationToken)
    {
        await using Store store = stores.CreateDbContext();
        return await store.Jobs.AsNoTracking().SingleOrDefaultAsync(j => j.Id == id, cancellationToken) ?? throw Unknown(id);
    }

    /// <summary>Its events after one, in their order, at most <see cref="EventPage"/>.</summary>
    /// <param name="id">Of the job.</param>
    /// <param name="after">Sequence number; 0 for the first page.</param>
    /// <param name="types">Of <see cref="JobEvents"/>; all if null.</param>
    /// <param name="cancellationToken">Of the request.</param>
    public async Task<List<JobEvent>> EventsAsync(string id, long after, IReadOnlyList<string>? types, CancellationToken cancellationToken)
    {
        await using Store store = stores.CreateDbContext();
        IQueryable<JobEvent> events = store.JobEvents.AsNoTracking().Where(e => e.JobId == id && e.Sequence > after);
        if (types is not null) events = events.Where(e => types.Contains(e.Type));
        return await events.OrderBy(e => e.Sequence).Take(EventPage).ToListAsync(cancellationToken);
    }

    /// <summary>Stores a new job with its first event, in one transaction.</summary>
    /// <exception cref="DbUpdateException">Another job has its idempotency key (<see cref="StorageErrors.IsDuplicate"/>).</exception>
    public async Task AddAsync(Job job, IReadOnlyList<JobCheckpoint> checkpoints, CancellationToken cancellationToken)
    {
        await using Store store = stores.CreateDbContext();
        store.Jobs.Add(job);
        store.JobCheckpoints.AddRange(checkpoints);
        new JobChange(store, job, job.CreatedAt) { Last = 0 }.Event(JobEvents.State, new JsonObject { ["state"] = JsonSerializer.SerializeToNode(job.State) });
        await store.SaveChangesAsync(cancellationToken);
    }

    /// <summary>Changes a job; the action may run several times.</summary>
    /// <returns>As saved.</returns>
    /// <exception cref="ApiException">404.</exception>
    public Task<Job> ChangeAsync(string id, Action<JobChange> change, CancellationToken cancellationToken) => stores.SaveAsync(
        async store =>
        {
            Job job = await store.Jobs.SingleOrDefaultAsync(j => j.Id == id, cancellationToken) ?? throw Unknown(id);
            long last = await store.JobEvents.Where(e => e.JobId == id).MaxAsync(e => (long?)e.Sequence, cancellationToken) ?? 0;
            DateTimeOffset now = time.GetUtcNow();
            change(new JobChange(store, job, now) { Last = last });
            job.UpdatedAt = now;
            store.Entry(job).Property(j => j.UpdatedAt).IsModified = true; // also within the same millisecond: the revision is what guards the rest
            return job;
        },
        cancellationToken);

    private static ApiException Unknown(string id) => new(ProblemKind.UnknownJob, "No job has this id.") { Parameter = "id", Actual = id };
}
