using System.Text.Json.Nodes;
using DenoiseService.Api.Models;
using DenoiseService.Api.Storage;
using DenoiseService.Model;

namespace DenoiseService.Api.Jobs.Engine;

/// <summary>What stays of a job: its files, and from a training a model version. Doing it twice changes nothing: the last moments of a job may be repeated after a crash.</summary>
internal sealed class JobResults(ModelRegistry registry, BlobStore blobs)
{
    private const int NameLength = 200;

    /// <summary>Files, then the version, unless the job was cancelled meanwhile.</summary>
    /// <exception cref="ModelLoadException">The weights cannot be used; the files are stored.</exception>
    /// <exception cref="CheckpointException">There are none; the files are stored.</exception>
    public async Task StoreAsync(JobLease lease, JobFolder folder)
    {
        await StoreFilesAsync(lease, folder);
        Job job = await lease.WriteAsync(c => c.Job.Percent = 100);
        if (job.Kind != JobKind.Training || job.State == JobState.Cancelling) return;
        string weights = Path.Combine(folder.Path, "best.safetensors");
        if (!File.Exists(weights)) throw new CheckpointException("The training left no weights: at no step was its validation a number.");
        var checkpoint = new NewCheckpoint($"training-{job.Id[..12]}", await File.ReadAllBytesAsync(weights), await File.ReadAllBytesAsync(Checkpoint.CardPath(weights))) { SourceJobId = job.Id, Commit = job.Commit };
        string version = (await registry.AddAsync(checkpoint, new MovedBy($"job {job.Id}"), CancellationToken.None)).Version.Id;
        await lease.WriteAsync(c =>
        {
            c.Job.ResultVersionId = version;
            c.Event(JobEvents.Model, new JsonObject { ["version"] = version });
        });
    }

    /// <summary>Puts every file that people want into the database.</summary>
    public async Task StoreFilesAsync(JobLease lease, JobFolder folder)
    {
        foreach ((string name, string path) in folder.Artifacts().Where(a => a.Name.Length <= NameLength))
        {
            await using FileStream stream = File.OpenRead(path);
            (string sha256, long length) = await blobs.PutAsync(stream, CancellationToken.None);
            await lease.WriteAsync(c =>
            {
                if (c.Artifact(name, MediaTypeOf(name), sha256, length)) c.Event(JobEvents.Artifact, new JsonObject { ["name"] = name, ["length"] = length });
            });
        }
    }

    /// <summary>By the name's end; text is UTF-8.</summary>
    public static string MediaTypeOf(string name) => Path.GetExtension(name).ToLowerInvariant() switch
    {
        ".md" => "text/markdown; charset=utf-8",
        ".csv" => "text/csv; charset=utf-8",
        ".json" => "application/json",
        ".png" => "image/png",
        ".svg" => "image/svg+xml",
        _ => "application/octet-stream",
    };
}
