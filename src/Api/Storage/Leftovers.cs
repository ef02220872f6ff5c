using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Storage;

/// <summary>
/// What killed processes left in the data folder: temporary files, half-unpacked data sets, and unpacked ones of which no record is left. Any number of processes of one folder may sweep it while
/// others write. The working folders of jobs are the reconciler's.
/// </summary>
internal sealed class Leftovers(IDbContextFactory<Store> stores, IOptions<StorageOptions> options, TimeProvider time)
{
    // A file is locked right after it is made. A folder cannot be, but nobody unpacks for a day; a data set that a job uses keeps its record, which is not deleted before the job has ended.
    private static readonly TimeSpan YoungFile = TimeSpan.FromMinutes(1), YoungFolder = TimeSpan.FromDays(1);

    /// <summary>Deletes what is old, held by nobody and named by no record.</summary>
    /// <returns>How many files and folders.</returns>
    public async Task<int> SweepAsync(CancellationToken cancellationToken)
    {
        int files = ((string[])["", "uploads", "jobs"]).Select(f => Path.Combine(options.Value.Folder, f)).Where(Directory.Exists).SelectMany(f => Directory.GetFiles(f, "*.tmp")).Count(DeleteFile);
        string unpacked = Path.Combine(options.Value.Folder, "datasets");
        if (!Directory.Exists(unpacked)) return files;
        // Before the records are read: what is uploaded and unpacked meanwhile is not among them.
        string[] folders = [.. Directory.GetDirectories(unpacked).Where(f => IsOlder(Directory.GetLastWriteTimeUtc(f), YoungFolder))];
        if (folders.Length == 0) return files;
        await using Store store = stores.CreateDbContext();
        HashSet<string> named = [.. await store.Datasets.AsNoTracking().Select(d => d.ArchiveSha256).ToListAsync(cancellationToken)];
        return files + folders.Where(f => !named.Contains(Path.GetFileName(f))).Count(DeleteFolder);
    }

    private bool IsOlder(DateTime written, TimeSpan age) => time.GetUtcNow().UtcDateTime - written > age;

    private bool DeleteFile(string file)
    {
        if (!IsOlder(File.GetLastWriteTimeUtc(file), YoungFile)) return false;
        try
        {
            // Whoever writes it has locked it.
            using var left = new FileStream(file, FileMode.Open, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static bool DeleteFolder(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false; // another process was faster, or the next time will do
        }
    }
}
