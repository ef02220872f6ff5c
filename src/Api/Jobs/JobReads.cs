using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using DenoiseService.Api.Errors;
using DenoiseService.Api.OpenApi;
using DenoiseService.Api.Storage;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Microsoft.Net.Http.Headers;

namespace DenoiseService.Api.Jobs;

/// <summary>Looking at jobs and at what they made.</summary>
internal static class JobReads
{
    private static readonly string[] LogLines = [JobEvents.Log, JobEvents.State, JobEvents.Validation];

    public static RouteGroupBuilder MapJobReads(this RouteGroupBuilder group)
    {
        group.MapGet("/jobs", List).WithName("listJobs").WithSummary("Lists the jobs").WithDescription("The newest first, in pages: `next` is the `cursor` of the following one. `kind` and `state` filter; both may name several, with commas.")
            .WithAnswer(200, "A page of jobs.").Problems(ProblemKind.InvalidParameter);
        group.MapGet("/jobs/{id}", Get).WithName("getJob").WithSummary("Shows one job").WithDescription("State, progress, metrics, and everything that is needed to do it again.").WithAnswer(200, "The job.").Problems(ProblemKind.UnknownJob);
        return group;
    }

    public static RouteGroupBuilder MapJobFiles(this RouteGroupBuilder group)
    {
        group.MapGet("/jobs/{id}/logs", Logs).WithName("getJobLogs").WithSummary("Shows a job's log").WithDescription("Plain text, a line for each message: time, then what it says.").Produces<string>(200, "text/plain").WithAnswer(200, "The log until now.").Problems(ProblemKind.UnknownJob);
        group.MapGet("/jobs/{id}/checkpoints", Checkpoints).WithName("listJobCheckpoints").WithSummary("Lists a job's checkpoints").WithDescription("The points that the job can go on from; the last three are kept.").WithAnswer(200, "The checkpoints, the newest first.").Problems(ProblemKind.UnknownJob);
        group.MapGet("/jobs/{id}/artifacts", Artifacts).WithName("listJobArtifacts").WithSummary("Lists what a job made").WithDescription("Reports, tables, figures, curves, weights.").WithAnswer(200, "The artifacts, by name.").Problems(ProblemKind.UnknownJob);
        group.MapGet("/jobs/{id}/artifacts/{**name}", Artifact).WithName("getJobArtifact").WithSummary("Downloads an artifact").WithDescription("The bytes, with their media type, an ETag and ranges.")
            .Produces<FileStreamHttpResult>(200, "application/octet-stream").WithAnswer(200, "The bytes.").Problems(ProblemKind.UnknownJob, ProblemKind.UnknownArtifact, ProblemKind.StoredDataDamaged);
        return group;
    }

    private static async Task<Ok<JobPage>> List(IDbContextFactory<Store> stores, CancellationToken cancellationToken, string? kind = null, string? state = null, string? cursor = null, int limit = Paging.Usual)
    {
        Paging.LimitOf(limit);
        await using Store store = stores.CreateDbContext();
        IQueryable<Job> jobs = store.Jobs.AsNoTracking();
        if (Values<JobKind>("kind", kind) is { } kinds) jobs = jobs.Where(j => kinds.Contains(j.Kind));
        if (Values<JobState>("state", state) is { } states) jobs = jobs.Where(j => states.Contains(j.State));
        if (Paging.CursorOf(cursor) is { } after) jobs = jobs.Where(j => j.Id.CompareTo(after) < 0);
        List<Job> page = await jobs.OrderByDescending(j => j.Id).Take(limit + 1).ToListAsync(cancellationToken);
        return TypedResults.Ok(new JobPage([.. page.Take(limit).Select(JobInfo.Of)], page.Count > limit ? page[limit - 1].Id : null));
    }

    private static async Task<Ok<JobInfo>> Get(string id, JobStore jobs, CancellationToken cancellationToken) => TypedResults.Ok(JobInfo.Of(await jobs.GetAsync(id, cancellationToken)));

    // In pages, for a log may be longer than memory should hold, and a slow reader should hold no connection to the database. The first before the answer begins: where it fails there is still a problem to send.
    private static async Task<PushStreamHttpResult> Logs(string id, JobStore jobs, CancellationToken cancellationToken)
    {
        await jobs.GetAsync(id, cancellationToken);
        List<JobEvent> first = await jobs.EventsAsync(id, after: 0, LogLines, cancellationToken);
        return TypedResults.Stream(async body =>
        {
            for (List<JobEvent> page = first; page.Count > 0; page = page.Count < JobStore.EventPage ? [] : await jobs.EventsAsync(id, page[^1].Sequence, LogLines, cancellationToken))
            {
                await body.WriteAsync(Encoding.UTF8.GetBytes(string.Concat(page.Select(e => string.Create(CultureInfo.InvariantCulture, $"{e.At:u} {Line(e)}\n")))), cancellationToken);
            }
        }, "text/plain; charset=utf-8");
    }

    private static async Task<Ok<CheckpointInfo[]>> Checkpoints(string id, JobStore jobs, IDbContextFactory<Store> stores, CancellationToken cancellationToken)
    {
        await jobs.GetAsync(id, cancellationToken);
        await using Store store = stores.CreateDbContext();
        List<JobCheckpoint> found = await store.JobCheckpoints.AsNoTracking().Where(c => c.JobId == id).OrderByDescending(c => c.Step).ToListAsync(cancellationToken);
        return TypedResults.Ok(found.Select(c => new CheckpointInfo(c.Step, c.Length, c.Sha256, JobInfo.Object(c.Metrics), c.CreatedAt)).ToArray());
    }

    private static async Task<Ok<ArtifactInfo[]>> Artifacts(string id, JobStore jobs, IDbContextFactory<Store> stores, CancellationToken cancellationToken)
    {
        await jobs.GetAsync(id, cancellationToken);
        await using Store store = stores.CreateDbContext();
        List<JobArtifact> found = await store.JobArtifacts.AsNoTracking().Where(a => a.JobId == id).OrderBy(a => a.Name).ToListAsync(cancellationToken);
        return TypedResults.Ok(found.Select(a => new ArtifactInfo(a.Name, a.MediaType, a.Length, a.Sha256, a.CreatedAt)).ToArray());
    }

    private static async Task<FileStreamHttpResult> Artifact(string id, string name, HttpContext context, JobStore jobs, IDbContextFactory<Store> stores, BlobStore blobs, CancellationToken cancellationToken)
    {
        await jobs.GetAsync(id, cancellationToken);
        await using Store store = stores.CreateDbContext();
        JobArtifact found = await store.JobArtifacts.AsNoTracking().SingleOrDefaultAsync(a => a.JobId == id && a.Name == name, cancellationToken) ?? throw new ApiException(ProblemKind.UnknownArtifact, "The job has no artifact of this name.") { Parameter = "name", Actual = name };
        // A figure that is opened in a browser is looked at, not run.
        context.Response.Headers.XContentTypeOptions = "nosniff";
        context.Response.Headers.ContentSecurityPolicy = "default-src 'none'; style-src 'unsafe-inline'; sandbox";
        return TypedResults.Stream(await blobs.OpenAsync(found.Sha256, cancellationToken), found.MediaType, fileDownloadName: null, found.CreatedAt, new EntityTagHeaderValue($"\"{found.Sha256}\""), enableRangeProcessing: true);
    }

    private static string Line(JobEvent e)
    {
        JsonObject data = JobInfo.Object(e.Data)!;
        return e.Type switch
        {
            JobEvents.Log => (string)data["message"]!,
            JobEvents.State => $"{data["state"]}{(data["reason"] is { } reason ? $": {reason}" : "")}",
            _ => $"step {data["step"]}/{data["steps"]} {data["metrics"]!.ToJsonString()}",
        };
    }

    /// <summary>Names with commas between them; null for none.</summary>
    private static T[]? Values<T>(string parameter, string? text) where T : struct, Enum
    {
        if (string.IsNullOrEmpty(text)) return null;
        Dictionary<string, T> names = Enum.GetValues<T>().ToDictionary(v => JsonSerializer.Serialize(v).Trim('"'));
        return [.. text.Split(',').Select(n => names.TryGetValue(n.Trim(), out T value) ? value : throw new ApiException(ProblemKind.InvalidParameter, $"{parameter} must be of {string.Join(", ", names.Keys)}.") { Parameter = parameter, Accepted = [.. names.Keys] })];
    }
}
