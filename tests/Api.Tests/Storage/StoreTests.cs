using System.Text.Json;
using DenoiseService.Api.Storage;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace DenoiseService.Api.Tests.Storage;

[Collection(Databases.Collection)]
public sealed class StoreTests(Databases databases)
{
    [Theory, OnSqlite, OnPostgreSql]
    public async Task Every_record_comes_back_as_it_was_stored(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        IServiceProvider services = await database.MigratedAsync();
        var stores = services.GetRequiredService<IDbContextFactory<Store>>();
        (string sha, _) = await services.GetRequiredService<BlobStore>().PutAsync(new byte[] { 1, 2, 3 }, CancellationToken.None);
        object[] records =
        [
            new Job
            {
                Id = "job", Kind = JobKind.RoutingStudy, State = JobState.Interrupted, Request = "{\"a\":\"é\"}", EffectiveRequest = "{\"a\":1,\"b\":2}", Seed = long.MinValue, Owner = "key", IdempotencyKey = "once",
                BodySha256 = sha, CreatedAt = Records.Noon, StartedAt = Records.Noon.AddMilliseconds(1), FinishedAt = Records.Noon.AddDays(1), UpdatedAt = Records.Noon.AddDays(2), Percent = 12.5, Step = 3,
                Steps = long.MaxValue, Epoch = 0.1, EtaSeconds = 1e-9, Metrics = "{}", Attempts = 2, Error = "line\nline", CancelRequested = true, LeaseOwner = "worker-1", LeaseNumber = 9, LeaseExpiresAt = Records.Noon,
                ParentId = "older", Commit = "abc", DataChecksum = sha, ResultVersionId = "version",
            },
            Records.Event(1), Records.Checkpoint(sha), Records.Artifact(sha), Records.Version(sha), new ModelAlias { Name = "champion", VersionId = "version", UpdatedAt = Records.Noon },
            new Promotion { Id = "promotion", Alias = "champion", ToVersionId = "version", At = Records.Noon, By = "key", Reason = "better", IsRollback = true }, Records.Key(), Records.Dataset(sha), Records.Webhook(),
            new WebhookDelivery
            {
                Id = "delivery", WebhookId = "hook", Event = "job.failed", Body = "{\"a\":\"é\"}", State = DeliveryState.Failed, Attempts = 3, LastStatus = 500, LastError = DeliveryError.WebhookDisabled, CreatedAt = Records.Noon,
                LastAttemptAt = Records.Noon.AddMilliseconds(1), NextAttemptAt = Records.Noon.AddDays(1), ClaimedUntil = Records.Noon.AddDays(2), FinishedAt = Records.Noon.AddDays(3),
            },
        ];
        await using (Store store = stores.CreateDbContext())
        {
            store.AddRange(records);
            await store.SaveChangesAsync();
        }

        await using Store other = stores.CreateDbContext();
        object[] read =
        [
            await other.Jobs.SingleAsync(), await other.JobEvents.SingleAsync(), await other.JobCheckpoints.SingleAsync(), await other.JobArtifacts.SingleAsync(), await other.ModelVersions.SingleAsync(),
            await other.ModelAliases.SingleAsync(), await other.Promotions.SingleAsync(), await other.ApiKeys.SingleAsync(), await other.Datasets.SingleAsync(),
            await other.Webhooks.SingleAsync(), await other.WebhookDeliveries.SingleAsync(),
        ];
        Assert.Equal(records.Select(r => JsonSerializer.Serialize(r, r.GetType())), read.Select(r => JsonSerializer.Serialize(r, r.GetType())));
        Assert.Equal(13, other.Model.GetEntityTypes().Count()); // the blob and its chunk are the other two
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task Times_order_and_compare_to_the_millisecond(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        await using Store store = (await database.StoresAsync()).CreateDbContext();
        int[] order = [3, 1, 2, 0];
        foreach (int i in order) store.Add(new Job { Id = $"{i}", Kind = JobKind.Training, Request = "{}", CreatedAt = Records.Noon.AddMilliseconds(i), UpdatedAt = Records.Noon });
        await store.SaveChangesAsync();
        // The same instant from another zone.
        DateTimeOffset limit = Records.Noon.AddMilliseconds(1).ToOffset(TimeSpan.FromHours(9));
        Assert.Equal(["3", "2"], await store.Jobs.Where(j => j.CreatedAt > limit).OrderByDescending(j => j.CreatedAt).Select(j => j.Id).ToListAsync());
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task Texts_order_and_compare_byte_by_byte(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        await using Store store = (await database.StoresAsync()).CreateDbContext();
        string[] ids = ["a", "B", "_", "1", "é", "Z"];
        foreach (string id in ids) store.Add(Records.Job(id));
        await store.SaveChangesAsync();
        Assert.Equal(ids.Order(StringComparer.Ordinal), await store.Jobs.OrderBy(j => j.Id).Select(j => j.Id).ToListAsync());
        Assert.Equal(["a", "é"], await store.Jobs.Where(j => string.Compare(j.Id, "_") > 0).OrderBy(j => j.Id).Select(j => j.Id).ToListAsync());
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task A_second_of_what_must_be_unique_is_refused(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        IServiceProvider services = await database.MigratedAsync();
        var stores = services.GetRequiredService<IDbContextFactory<Store>>();
        var blobs = services.GetRequiredService<BlobStore>();
        (string sha, _) = await blobs.PutAsync(new byte[] { 1 }, CancellationToken.None);
        await using (Store store = stores.CreateDbContext())
        {
            store.AddRange(
                Records.Job(idempotencyKey: "once", owner: "me"), Records.Job("another-owner", "once", "you"), Records.Job("no-key"), Records.Job("no-key-either"),
                Records.Event(1), Records.Artifact(sha), Records.Checkpoint(sha), Records.Version(sha), Records.Key(), Records.Dataset(sha));
            await store.SaveChangesAsync();
        }

        object[] seconds =
        [
            Records.Job("second", "once", "me"), Records.Job(), Records.Event(1), Records.Artifact(sha, "second"), Records.Checkpoint(sha), Records.Version(sha, "second"), Records.Key("second"), Records.Dataset(sha, "second"),
        ];
        foreach (object second in seconds)
        {
            await using Store store = stores.CreateDbContext();
            store.Add(second);
            Assert.True(StorageErrors.IsDuplicate(await Assert.ThrowsAsync<DbUpdateException>(() => store.SaveChangesAsync())), second.GetType().Name);
        }
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task Text_above_its_length_and_a_pointer_to_nothing_are_refused(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        IDbContextFactory<Store> stores = await database.StoresAsync();
        await using (Store store = stores.CreateDbContext())
        {
            store.Add(Records.Job(new string('x', 65)));
            DbUpdateException refused = await Assert.ThrowsAsync<DbUpdateException>(() => store.SaveChangesAsync());
            Assert.False(StorageErrors.IsDuplicate(refused) || StorageErrors.IsReference(refused) || StorageErrors.IsUnavailable(refused));
        }

        await using Store other = stores.CreateDbContext();
        other.Add(Records.Event(1));
        Assert.True(StorageErrors.IsReference(await Assert.ThrowsAsync<DbUpdateException>(() => other.SaveChangesAsync())));
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task Of_two_that_change_a_job_one_is_told(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        IDbContextFactory<Store> stores = await database.StoresAsync();
        await using (Store store = stores.CreateDbContext())
        {
            store.Add(Records.Job());
            await store.SaveChangesAsync();
        }

        await using Store first = stores.CreateDbContext(), second = stores.CreateDbContext();
        (await first.Jobs.SingleAsync()).State = JobState.Running;
        Job late = await second.Jobs.SingleAsync();
        late.State = JobState.Cancelled;
        await first.SaveChangesAsync();
        await Assert.ThrowsAsync<DbUpdateConcurrencyException>(() => second.SaveChangesAsync());
        await second.Entry(late).ReloadAsync();
        Assert.Equal((JobState.Running, 1), (late.State, late.Revision));
        late.State = JobState.Succeeded;
        second.SaveChanges();
        Assert.Equal(2, late.Revision);
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task An_alias_counts_its_changes_holds_its_version_and_versions_never_change(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        IServiceProvider services = await database.MigratedAsync();
        (string sha, _) = await services.GetRequiredService<BlobStore>().PutAsync(new byte[] { 1 }, CancellationToken.None);
        (string otherSha, _) = await services.GetRequiredService<BlobStore>().PutAsync(new byte[] { 2 }, CancellationToken.None);
        await using Store store = services.GetRequiredService<IDbContextFactory<Store>>().CreateDbContext();
        var alias = new ModelAlias { Name = "champion", VersionId = "one", UpdatedAt = Records.Noon };
        store.AddRange(Records.Version(sha, "one"), Records.Version(otherSha, "two"), alias);
        await store.SaveChangesAsync();
        foreach (string version in (string[])["two", "one"])
        {
            alias.VersionId = version;
            await store.SaveChangesAsync();
        }

        Assert.Equal(2, await store.ModelAliases.Select(a => a.Revision).SingleAsync());
        Assert.True(StorageErrors.IsReference(await Assert.ThrowsAnyAsync<Exception>(() => store.ModelVersions.Where(v => v.Id == "one").ExecuteDeleteAsync())));
        ModelVersion two = await store.ModelVersions.SingleAsync(v => v.Id == "two");
        store.Entry(two).Property(v => v.Name).CurrentValue = "else";
        await Assert.ThrowsAsync<InvalidOperationException>(() => store.SaveChangesAsync());
        Assert.Throws<InvalidOperationException>(() => store.SaveChanges());
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task With_a_job_go_its_events_checkpoints_and_artifacts(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        IServiceProvider services = await database.MigratedAsync();
        (string sha, _) = await services.GetRequiredService<BlobStore>().PutAsync(new byte[] { 1 }, CancellationToken.None);
        await using Store store = services.GetRequiredService<IDbContextFactory<Store>>().CreateDbContext();
        store.AddRange(Records.Job(), Records.Event(1), Records.Event(2), Records.Checkpoint(sha), Records.Artifact(sha));
        await store.SaveChangesAsync();
        Assert.Equal(1, await store.Jobs.ExecuteDeleteAsync());
        Assert.Equal((0, 0, 0, 1), (await store.JobEvents.CountAsync(), await store.JobCheckpoints.CountAsync(), await store.JobArtifacts.CountAsync(), await store.Blobs.CountAsync()));
    }

    [Fact]
    public void Ids_are_unique_and_sort_by_their_time()
    {
        var clock = new Clock();
        string[] ids = [.. Enumerable.Range(0, 100).Select(i => Ids.New(clock.At(Records.Noon.AddMilliseconds(i))))];
        Assert.Equal(ids, ids.Distinct().Order(StringComparer.Ordinal));
        Assert.All(ids, id => Assert.Matches("^[0-9a-f]{32}$", id));
    }
}
