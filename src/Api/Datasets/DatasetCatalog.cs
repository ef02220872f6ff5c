using System.IO.Compression;
using System.Security.Cryptography;
using DenoiseService.Api.Errors;
using DenoiseService.Api.Jobs;
using DenoiseService.Api.Storage;
using DenoiseService.Training.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Datasets;

/// <summary>A data set on this machine.</summary>
/// <param name="Folder">Where its files are.</param>
/// <param name="Sha256">Of its pictures.</param>
internal sealed record DatasetFolder(string Folder, string Sha256);

/// <summary>Data sets by name. An uploaded one lives in the database and is unpacked where a job wants it.</summary>
internal sealed class DatasetCatalog(IDbContextFactory<Store> stores, BlobStore blobs, IOptions<DatasetsOptions> options, IOptions<StorageOptions> storage)
{
    public const string Sample = "sample", Cifar10 = "cifar10";

    private static readonly string SampleFolder = Path.Combine(AppContext.BaseDirectory, "datasets", Sample);

    /// <summary>The names that nobody can upload.</summary>
    public static IReadOnlyList<string> BuiltIn { get; } = [Sample, Cifar10];

    /// <summary>All of them.</summary>
    public async Task<IReadOnlyList<DatasetInfo>> ListAsync(CancellationToken cancellationToken)
    {
        await using Store store = stores.CreateDbContext();
        // Not their reports, which have a line for every file of every upload.
        var uploaded = await store.Datasets.AsNoTracking().OrderBy(d => d.Name).Select(d => new { d.Name, d.PictureCount, d.Bytes, d.Sha256, d.CreatedAt }).ToListAsync(cancellationToken);
        return
        [
            new(Sample, Sample) { Pictures = CifarArchive.Count(SampleFolder) }, .. HasCifar ? [new DatasetInfo(Cifar10, Cifar10)] : Array.Empty<DatasetInfo>(),
            .. uploaded.Select(d => InfoOf(d.Name, d.PictureCount, d.Bytes, d.Sha256, d.CreatedAt)),
        ];
    }

    /// <summary>Their names.</summary>
    public async Task<IReadOnlyList<string>> NamesAsync(CancellationToken cancellationToken)
    {
        await using Store store = stores.CreateDbContext();
        return [Sample, .. HasCifar ? [Cifar10] : Array.Empty<string>(), .. await store.Datasets.AsNoTracking().OrderBy(d => d.Name).Select(d => d.Name).ToListAsync(cancellationToken)];
    }

    /// <summary>One, with its report.</summary>
    /// <exception cref="ApiException">404.</exception>
    public async Task<DatasetInfo> GetAsync(string name, CancellationToken cancellationToken)
    {
        if (await FindAsync(name, cancellationToken) is { } found) return InfoOf(found.Name, found.PictureCount, found.Bytes, found.Sha256, found.CreatedAt) with { Files = System.Text.Json.JsonSerializer.Deserialize<FileReport[]>(found.Report, JobJson.Options) };
        return (await ListAsync(cancellationToken)).FirstOrDefault(d => d.Name == name) ?? throw Unknown(name);
    }

    /// <summary>A client's mistake where a request names what is not there.</summary>
    /// <param name="names">Those that there are.</param>
    /// <param name="field">Of the request.</param>
    /// <param name="name">What stands there.</param>
    /// <param name="archive">Whether only one in CIFAR-10's form will do.</param>
    /// <exception cref="ApiException">422: names the field.</exception>
    public static void Check(IReadOnlyList<string> names, string field, string name, bool archive)
    {
        if (!names.Contains(name, StringComparer.Ordinal)) throw JobJson.Invalid(field, "No data set has this name.", names);
        if (archive && !BuiltIn.Contains(name)) throw JobJson.Invalid(field, $"This kind of job takes archives in the form of CIFAR-10; {name} is a folder of pictures.", BuiltIn);
    }

    /// <summary>How many squares a training takes from a data set: as many as are cut out of pictures, and every image of an archive, whatever <see cref="DataSource.Patches"/> says.</summary>
    /// <param name="source">Its path is a name that there is.</param>
    public long SquaresOf(DataSource source)
    {
        if (!BuiltIn.Contains(source.Path)) return source.Patches;
        if (source.Range is { } range) return IndexRange.Parse(range).Count;
        try
        {
            return CifarArchive.Count(source.Path == Sample ? SampleFolder : CifarFolder);
        }
        catch (DataSetException)
        {
            return 0; // the job will say what is wrong with it
        }
    }

    /// <summary>Where its files are on this machine, unpacked now if they are not yet.</summary>
    /// <exception cref="DataSetException">There is none of this name here.</exception>
    public async Task<DatasetFolder> ResolveAsync(string name, CancellationToken cancellationToken)
    {
        if (name == Sample) return Archive(name, SampleFolder);
        if (name == Cifar10) return HasCifar ? Archive(name, CifarFolder) : throw new DataSetException("Datasets:Cifar10Path is not set on this worker.");
        Dataset found = await FindAsync(name, cancellationToken) ?? throw new DataSetException($"The data set {name} is gone.");
        string folder = Path.Combine(storage.Value.Folder, "datasets", found.ArchiveSha256, name);
        if (!Directory.Exists(folder)) await UnpackAsync(found, folder, cancellationToken);
        return new DatasetFolder(folder, found.Sha256);
    }

    /// <exception cref="ApiException">404.</exception>
    public static ApiException Unknown(string name) => new(ProblemKind.UnknownDataset, "No data set has this name.") { Parameter = "name", Actual = name };

    private string CifarFolder => Path.GetFullPath(options.Value.Cifar10Path!);

    private bool HasCifar => !string.IsNullOrWhiteSpace(options.Value.Cifar10Path);

    private async Task<Dataset?> FindAsync(string name, CancellationToken cancellationToken)
    {
        await using Store store = stores.CreateDbContext();
        return await store.Datasets.AsNoTracking().SingleOrDefaultAsync(d => d.Name == name, cancellationToken);
    }

    private static DatasetInfo InfoOf(string name, int pictures, long bytes, string sha256, DateTimeOffset createdAt) => new(name, "uploaded") { Pictures = pictures, Bytes = bytes, Sha256 = sha256, CreatedAt = createdAt };

    /// <exception cref="DataSetException">What is wrong with it, without the folder of this machine.</exception>
    private static DatasetFolder Archive(string name, string folder)
    {
        try
        {
            CifarArchive.Count(folder);
        }
        catch (DataSetException e)
        {
            throw new DataSetException(e.Message.Replace(folder, name, StringComparison.Ordinal));
        }

        using var sum = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string file in Directory.GetFiles(folder, "*.bin").Order(StringComparer.Ordinal)) sum.AppendData(File.ReadAllBytes(file));
        return new DatasetFolder(folder, Convert.ToHexStringLower(sum.GetHashAndReset()));
    }

    /// <summary>Beside its place, then renamed: there is never half a data set. Who comes second finds it there.</summary>
    private async Task UnpackAsync(Dataset dataset, string folder, CancellationToken cancellationToken)
    {
        string beside = Path.Combine(storage.Value.Folder, "datasets", $".{Guid.NewGuid():N}.tmp");
        Directory.CreateDirectory(beside);
        try
        {
            await using Stream stream = await blobs.OpenAsync(dataset.ArchiveSha256, cancellationToken);
            using var archive = new ZipArchive(stream);
            foreach (ZipArchiveEntry entry in archive.Entries) await entry.ExtractToFileAsync(Path.Combine(beside, Path.GetFileName(entry.Name)), cancellationToken);
            Directory.CreateDirectory(Path.GetDirectoryName(folder)!);
            Directory.Move(beside, folder);
        }
        catch (IOException) when (Directory.Exists(folder))
        {
            // Another job of this machine was faster.
        }
        finally
        {
            if (Directory.Exists(beside)) Directory.Delete(beside, recursive: true);
        }
    }
}
