using DenoiseService.Api.Errors;
using DenoiseService.Api.Jobs;
using DenoiseService.Api.Storage;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Datasets;

/// <summary>Deletes uploaded data sets that no unfinished job uses.</summary>
internal sealed class DatasetRemoval(IDbContextFactory<Store> stores, IOptions<StorageOptions> storage)
{
    /// <exception cref="ApiException">404; 409 if it is in use or built in.</exception>
    public async Task DeleteAsync(string name, CancellationToken cancellationToken)
    {
        if (DatasetCatalog.BuiltIn.Contains(name)) throw new ApiException(ProblemKind.DatasetInUse, "This data set is part of the service; it cannot be deleted.") { Parameter = "name", Actual = name };
        await using Store store = stores.CreateDbContext();
        var found = await store.Datasets.AsNoTracking().Where(d => d.Name == name).Select(d => new { d.Id, d.ArchiveSha256 }).SingleOrDefaultAsync(cancellationToken) ?? throw DatasetCatalog.Unknown(name);
        List<Job> open = await store.Jobs.AsNoTracking().Open().ToListAsync(cancellationToken);
        if (open.FirstOrDefault(j => JobPlan.DatasetsOf(j).Contains(name)) is { } user) throw new ApiException(ProblemKind.DatasetInUse, $"Job {user.Id} uses it and has not ended.") { Parameter = "name", Actual = name };
        // Of several who delete it at once one does.
        if (await store.Datasets.Where(d => d.Id == found.Id).ExecuteDeleteAsync(cancellationToken) == 0) throw DatasetCatalog.Unknown(name);
        string folder = Path.Combine(storage.Value.Folder, "datasets", found.ArchiveSha256, name);
        try
        {
            if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        }
        catch (IOException)
        {
            // It is gone for everybody; the sweeper takes what is left of the files.
        }
    }
}
