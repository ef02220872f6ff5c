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
        Dataset found = await store.Datasets.SingleOrDefaultAsync(d => d.Name == name, cancellationToken) ?? throw DatasetCatalog.Unknown(name);
        List<Job> open = await store.Jobs.AsNoTracking().Where(j => j.State == JobState.Queued || j.State == JobState.Running || j.State == JobState.Cancelling || j.State == JobState.Interrupted).ToListAsync(cancellationToken);
        if (open.FirstOrDefault(j => JobPlan.DatasetsOf(j).Contains(name)) is { } user) throw new ApiException(ProblemKind.DatasetInUse, $"Job {user.Id} uses it and has not ended.") { Parameter = "name", Actual = name };
        store.Datasets.Remove(found);
        await store.SaveChangesAsync(cancellationToken);
        string folder = Path.Combine(storage.Value.Folder, "datasets", found.ArchiveSha256, name);
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
    }
}
