using System.IO.Compression;
using System.Text.Json;
using DenoiseService.Model;
using DenoiseService.Training;

namespace DenoiseService.Api.Jobs.Engine;

/// <summary>
/// The working folder of one lease: data folder/jobs/JOB/LEASE. A worker that lost its lease writes into a folder that nobody reads; the next one
/// starts from what is stored in the database.
/// </summary>
internal sealed class JobFolder(string root, string job, long lease) : IDisposable
{
    private const string State = "state.safetensors", Best = "best.safetensors", Result = "result.json", Seconds = "seconds.txt";
    private static readonly DateTimeOffset Stamp = new(2020, 1, 1, 0, 0, 0, TimeSpan.Zero); // equal files make equal archives

    /// <summary>The folder.</summary>
    public string Path { get; } = System.IO.Path.Combine(root, "jobs", job, lease.ToString(System.Globalization.CultureInfo.InvariantCulture));

    /// <summary>Removes what dead workers of this machine left of the job, and fills the folder from a checkpoint if there is one.</summary>
    public void Prepare(Stream? checkpoint)
    {
        string all = System.IO.Path.GetDirectoryName(Path)!;
        if (Directory.Exists(all)) Directory.Delete(all, recursive: true);
        Directory.CreateDirectory(Path);
        if (checkpoint is null) return;
        using var archive = new ZipArchive(checkpoint);
        archive.ExtractToDirectory(Path); // refuses names that lead out of it
    }

    /// <summary>Everything that the work needs to go on, as one archive in a temporary file.</summary>
    public FileStream Pack()
    {
        var file = new FileStream(System.IO.Path.Combine(root, "jobs", $".{Guid.NewGuid():N}.tmp"), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1 << 16, FileOptions.DeleteOnClose);
        try
        {
            using (var archive = new ZipArchive(file, ZipArchiveMode.Create, leaveOpen: true))
            {
                foreach (string path in Needed().Order(StringComparer.Ordinal))
                {
                    ZipArchiveEntry entry = archive.CreateEntry(Name(path), CompressionLevel.NoCompression);
                    entry.LastWriteTime = Stamp;
                    using Stream target = entry.Open();
                    using FileStream source = File.OpenRead(path);
                    source.CopyTo(target);
                }
            }

            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>When the work last saved a state; null if it has not.</summary>
    public DateTime? SavedAt => Directory.Exists(Path) ? Directory.EnumerateFiles(Path, "*", SearchOption.AllDirectories).Where(f => System.IO.Path.GetFileName(f) is State or Result || f.Contains("/cells/", StringComparison.Ordinal)).Select(File.GetLastWriteTimeUtc).Cast<DateTime?>().Max() : null;

    /// <summary>Steps that the saved state of a training has done, as the header of its file says; null where there is none, as in experiments.</summary>
    public long? SavedStep => System.IO.Path.Combine(Path, State) is var state && File.Exists(state) ? TrainingRun.SavedStep(state) : null;

    /// <summary>The files that people want, with their names in the job. Weights of an experiment's trainings, and what is only there to go on from, are not among them.</summary>
    public IEnumerable<(string Name, string Path)> Artifacts() => Files().Where(f => Kept(Name(f))).OrderBy(Name, StringComparer.Ordinal).Select(f => (Name(f), f));

    public void Dispose()
    {
        string all = System.IO.Path.GetDirectoryName(Path)!;
        if (Directory.Exists(Path)) Directory.Delete(Path, recursive: true);
        if (Directory.Exists(all) && !Directory.EnumerateFileSystemEntries(all).Any()) Directory.Delete(all);
    }

    private static bool Kept(string name) => name != State && !name.StartsWith("cells/", StringComparison.Ordinal)
        && (name == Best || !name.EndsWith(".safetensors", StringComparison.Ordinal)) && !(name.StartsWith("runs/", StringComparison.Ordinal) && System.IO.Path.GetFileName(name) is "best.json" or Seconds);

    private IEnumerable<string> Files() => Directory.Exists(Path) ? Directory.EnumerateFiles(Path, "*", SearchOption.AllDirectories).Where(f => !f.EndsWith(".tmp", StringComparison.Ordinal) && System.IO.Path.GetFileName(f) != TrainingRun.LockFile && !Name(f).StartsWith("model/", StringComparison.Ordinal)) : [];

    private IEnumerable<string> Needed() => Files().Where(f => !Name(f).StartsWith("samples/", StringComparison.Ordinal) || !f.EndsWith(".png", StringComparison.Ordinal)).GroupBy(f => System.IO.Path.GetDirectoryName(f)!).SelectMany(folder =>
    {
        // A training of an experiment that is measured needs its weights no more.
        if (folder.Any(f => System.IO.Path.GetFileName(f) == Result)) return folder.Where(f => !f.EndsWith(".safetensors", StringComparison.Ordinal));
        // Caught between weights and card (trainings side by side): that one starts again.
        return folder.FirstOrDefault(f => System.IO.Path.GetFileName(f) == Best) is { } best && !Fits(best) ? [] : folder;
    });

    private static bool Fits(string weights)
    {
        if (!File.Exists(Checkpoint.CardPath(weights))) return false;
        using FileStream stream = File.OpenRead(weights);
        using var card = JsonDocument.Parse(File.ReadAllBytes(Checkpoint.CardPath(weights)));
        return card.RootElement.GetProperty("sha256").GetString() == Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(stream));
    }

    private string Name(string file) => System.IO.Path.GetRelativePath(Path, file).Replace('\\', '/');
}
