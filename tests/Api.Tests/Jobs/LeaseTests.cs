using DenoiseService.Api.Jobs;
using DenoiseService.Api.Jobs.Engine;
using DenoiseService.Api.Storage;
using DenoiseService.Api.Tests.Storage;
using DenoiseService.Api.Tests.Support;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace DenoiseService.Api.Tests.Jobs;

[Collection(Databases.Collection)]
public sealed class LeaseTests(Databases databases)
{
    private static readonly JobsOptions Options = new() { LeaseSeconds = 1, MaxAttempts = 2 };

    [Theory, OnSqlite, OnPostgreSql]
    public async Task A_worker_that_lost_its_lease_cannot_write_and_is_told_to_stop(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        JobStore jobs = await StoreWithJobAsync(database);
        using WorkerIdentity a = Worker(Folder(database, "a")), b = Worker(Folder(database, "b"));
        using JobLease? first = await Claim(jobs, a);
        Assert.NotNull(first);
        await Task.Delay(TimeSpan.FromSeconds(1.5));
        Assert.Null(await Claim(jobs, b)); // its heartbeat keeps it
        await first.WriteAsync(c => c.Log("mine"));

        await first.ReleaseAsync(); // as a process that hangs
        await Task.Delay(TimeSpan.FromSeconds(1.5));
        using JobLease? second = await Claim(jobs, b);
        Assert.Equal((1, 2), (first.Number, second!.Number));
        await Assert.ThrowsAsync<LeaseLostException>(() => first.WriteAsync(c => c.Job.Percent = 99));
        Assert.Equal((StopReason.Lost, true), (first.Reason, first.Stopped.IsCancellationRequested));
        await second.WriteAsync(c => c.Job.Percent = 5);
        Assert.Equal(5, (await jobs.GetAsync("job", CancellationToken.None)).Percent);
        await second.ReleaseAsync();
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task A_dead_worker_of_the_same_folder_is_known_at_once_and_too_many_deaths_fail_the_job(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        JobStore jobs = await StoreWithJobAsync(database);
        var lasting = new JobsOptions { LeaseSeconds = 3600, MaxAttempts = 2 };
        for (int attempt = 1; attempt <= 2; attempt++)
        {
            string name;
            using (WorkerIdentity dying = Worker(database.Folder))
            {
                name = dying.Name;
                using JobLease? lease = await JobLease.ClaimAsync("job", jobs, dying, lasting, TimeProvider.System, CancellationToken.None);
                await lease!.ReleaseAsync();
                using WorkerIdentity early = Worker(database.Folder);
                Assert.Null(await JobLease.ClaimAsync("job", jobs, early, lasting, TimeProvider.System, CancellationToken.None));
            }

            await File.WriteAllTextAsync(Path.Combine(database.Folder, "workers", $"{name}.lock"), ""); // as a kill leaves it
        }

        using WorkerIdentity last = Worker(database.Folder);
        Assert.Null(await JobLease.ClaimAsync("job", jobs, last, lasting, TimeProvider.System, CancellationToken.None));
        Job job = await jobs.GetAsync("job", CancellationToken.None);
        Assert.Equal((JobState.Failed, 2), (job.State, job.Attempts));
        Assert.Contains("MaxAttempts", job.Error, StringComparison.Ordinal);
        last.Sweep(new HashSet<string>());
        Assert.Equal([$"{last.Name}.lock"], Directory.GetFiles(Path.Combine(database.Folder, "workers")).Select(f => Path.GetFileName(f)));
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task Of_many_who_claim_at_once_one_gets_the_job(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        JobStore jobs = await StoreWithJobAsync(database);
        WorkerIdentity[] workers = [.. Enumerable.Range(0, 6).Select(_ => Worker(database.Folder))];
        JobLease?[] leases = await Task.WhenAll(workers.Select(w => Task.Run(() => Claim(jobs, w))));
        JobLease one = Assert.Single(leases.OfType<JobLease>());
        await one.ReleaseAsync();
        one.Dispose();
        foreach (WorkerIdentity worker in workers) worker.Dispose();
    }

    [Theory, OnSqlite, OnPostgreSql]
    public async Task A_running_job_whose_lease_is_taken_stops_by_itself_and_writes_nothing_more(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        await using var service = new Service(new(database.Settings) { ["Jobs:LeaseSeconds"] = "2" });
        HttpClient client = await service.ReadyAsync();
        string id = await client.SubmitAsync(JobClient.Training(steps: 100_000, validateEvery: 5));
        await client.StepsAsync(id, 10);
        var jobs = service.Services.GetRequiredService<JobStore>();
        await jobs.ChangeAsync(id, c =>
        {
            (c.Job.LeaseOwner, c.Job.LeaseExpiresAt) = ("thief", c.Now + TimeSpan.FromHours(1));
            c.Job.LeaseNumber++;
            c.Log("taken");
        }, CancellationToken.None);
        string working = Path.Combine(database.Folder, "jobs", id);
        await Service.UntilAsync(() => !Directory.Exists(working), "the first worker stopped");
        string last = (await client.EventsAsync(id))[^1].GetProperty("data").ToString();
        Assert.Contains("taken", last, StringComparison.Ordinal);
        Assert.Equal("running", (await client.JobAsync(id)).State()); // the thief's
    }

    private static Task<JobLease?> Claim(JobStore jobs, WorkerIdentity worker) => JobLease.ClaimAsync("job", jobs, worker, Options, TimeProvider.System, CancellationToken.None);

    private static string Folder(TestDatabase database, string name) => Path.Combine(database.Folder, name);

    private static WorkerIdentity Worker(string folder)
    {
        var worker = new WorkerIdentity(Microsoft.Extensions.Options.Options.Create(new StorageOptions { DataFolder = folder }));
        worker.Hold();
        return worker;
    }

    private static async Task<JobStore> StoreWithJobAsync(TestDatabase database)
    {
        IDbContextFactory<Store> stores = await database.StoresAsync();
        var jobs = new JobStore(stores, TimeProvider.System);
        await jobs.AddAsync(Records.Job(), [], CancellationToken.None);
        return jobs;
    }
}
