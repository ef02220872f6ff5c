using DenoiseService.Api.Storage;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Jobs.Engine;

/// <summary>
/// Names this worker, and tells whether another one of the same data folder has died: each holds a locked file, which the system releases with its process. So a
/// job goes on at once after a crash; where the dead worker was on another machine, its lease has to run out.
/// </summary>
internal sealed class WorkerIdentity(IOptions<StorageOptions> storage) : IDisposable
{
    private readonly string _folder = Path.Combine(storage.Value.Folder, "workers");
    private readonly Lock _lock = new();
    private FileStream? _file;

    /// <summary>New with every process.</summary>
    public string Name { get; } = Guid.NewGuid().ToString("N");

    /// <summary>Says that this worker lives, until its process ends. Call before the first job.</summary>
    public void Hold()
    {
        lock (_lock)
        {
            Directory.CreateDirectory(_folder);
            _file ??= new FileStream(PathOf(Name), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None);
        }
    }

    /// <summary>True where it is certain.</summary>
    public bool IsDead(string owner)
    {
        if (owner == Name || !Guid.TryParseExact(owner, "N", out _) || !File.Exists(PathOf(owner))) return false;
        try
        {
            // Not deleted: several may have to know. Sweep deletes it.
            using var file = new FileStream(PathOf(owner), FileMode.Open, FileAccess.ReadWrite, FileShare.None);
            return true;
        }
        catch (IOException)
        {
            return false; // it holds it
        }
    }

    /// <summary>Whether a job wants a worker: it has none, or a dead one.</summary>
    public bool IsDue(Job job, DateTimeOffset now) => job.State switch
    {
        JobState.Queued or JobState.Interrupted => true,
        JobState.Running or JobState.Cancelling => job.LeaseOwner is null || job.LeaseExpiresAt < now || IsDead(job.LeaseOwner),
        _ => false,
    };

    /// <summary>Deletes the files of dead workers that no job names any more.</summary>
    public void Sweep(IReadOnlySet<string> owners)
    {
        if (!Directory.Exists(_folder)) return;
        foreach (string owner in Directory.GetFiles(_folder, "*.lock").Select(f => Path.GetFileNameWithoutExtension(f)).Where(o => !owners.Contains(o) && IsDead(o))) File.Delete(PathOf(owner));
    }

    public void Dispose()
    {
        if (_file is null) return;
        File.Delete(PathOf(Name)); // what it held is handed back by now
        _file.Dispose();
    }

    private string PathOf(string owner) => Path.Combine(_folder, $"{owner}.lock");
}
