using DenoiseService.Api.Storage;
using DenoiseService.Api.Tests.Support;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace DenoiseService.Api.Tests.Storage;

[Collection(Databases.Collection)]
public sealed class LeftoversTests(Databases databases)
{
    private static readonly DateTime Old = TimeProvider.System.GetUtcNow().UtcDateTime.AddDays(-2);

    [Theory, OnSqlite, OnPostgreSql]
    public async Task What_killed_processes_left_is_deleted_and_what_is_held_young_or_named_stays(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        IServiceProvider services = await database.MigratedAsync();
        (string named, _) = await services.GetRequiredService<BlobStore>().PutAsync(new byte[] { 1 }, CancellationToken.None);
        await using (Store store = services.GetRequiredService<IDbContextFactory<Store>>().CreateDbContext())
        {
            store.Add(Records.Dataset(named));
            await store.SaveChangesAsync();
        }

        string uploads = Path.Combine(database.Folder, "uploads"), jobs = Path.Combine(database.Folder, "jobs"), datasets = Path.Combine(database.Folder, "datasets");
        Directory.CreateDirectory(uploads);
        Directory.CreateDirectory(jobs);
        foreach (string file in (string[])[Path.Combine(database.Folder, ".dead.tmp"), Path.Combine(uploads, "dead.tmp"), Path.Combine(uploads, "held.tmp"), Path.Combine(jobs, ".dead.tmp")])
        {
            await File.WriteAllTextAsync(file, "");
            File.SetLastWriteTimeUtc(file, Old);
        }

        await File.WriteAllTextAsync(Path.Combine(uploads, "young.tmp"), "");
        foreach (string folder in (string[])[named, "unnamed", ".dead.tmp", ".young.tmp"]) Directory.CreateDirectory(Path.Combine(datasets, folder, "birds"));
        foreach (string folder in (string[])[named, "unnamed", ".dead.tmp"]) Directory.SetLastWriteTimeUtc(Path.Combine(datasets, folder), Old);

        using (new FileStream(Path.Combine(uploads, "held.tmp"), FileMode.Open, FileAccess.ReadWrite, FileShare.None))
        {
            Assert.Equal(5, await services.GetRequiredService<Leftovers>().SweepAsync(CancellationToken.None));
        }

        Assert.Equal(["held.tmp", "young.tmp"], Directory.GetFiles(uploads).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal));
        Assert.Empty(Directory.GetFiles(jobs));
        Assert.Empty(Directory.GetFiles(database.Folder, "*.tmp"));
        Assert.Equal(new[] { ".young.tmp", named }.Order(StringComparer.Ordinal), Directory.GetDirectories(datasets).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task They_are_swept_at_the_start()
    {
        await using var service = new Service(new() { ["Roles:Worker"] = "false" });
        string uploads = Path.Combine(service.Models.Path, "data", "uploads"), left = Path.Combine(uploads, "left.tmp");
        Directory.CreateDirectory(uploads);
        await File.WriteAllTextAsync(left, "");
        File.SetLastWriteTimeUtc(left, Old);
        _ = service.CreateClient();
        await Service.UntilAsync(() => !File.Exists(left), "swept");
    }
}
