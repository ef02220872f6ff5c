using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using DenoiseService.Api.Storage;
using DenoiseService.Api.Tests.Storage;
using DenoiseService.Api.Tests.Support;
using Microsoft.EntityFrameworkCore;
using Xunit.Abstractions;

namespace DenoiseService.Api.Tests.Jobs;

/// <summary>
/// The service as processes, killed at random moments while it runs trainings. A few kills by default; DENOISE_CRASHES=50 (in the environment) for as many, half of them on
/// each database.
/// </summary>
[Collection(Databases.Collection)]
public sealed partial class CrashTests(Databases databases, ITestOutputHelper output)
{
    private const int Sigterm = 15, JobSteps = 80;
    private static readonly int Kills = int.TryParse(Environment.GetEnvironmentVariable("DENOISE_CRASHES"), CultureInfo.InvariantCulture, out int kills) ? (kills + 1) / 2 : 2;

    [Theory, OnSqlite, OnPostgreSql]
    public async Task Whatever_moment_the_process_is_killed_every_acknowledged_job_ends_with_the_curve_of_an_uninterrupted_one(string provider)
    {
        await using TestDatabase database = await databases.CreateAsync(provider);
        using var models = new ModelFolder();
        int seed = Environment.TickCount;
        output.WriteLine($"Random seed {seed}");
        var random = new Random(seed);
        // One database; on PostgreSQL two workers, each with a folder of its own as on a machine of its own.
        var workers = new ServiceProcess[provider == Provider.PostgreSql ? 2 : 1];
        try
        {
            await Task.WhenAll(Enumerable.Range(0, workers.Length).Select(StartAsync));
            using var first = new HttpClient { BaseAddress = await workers[0].Address };
            string calm = await first.SubmitAsync(JobClient.Training(JobSteps));
            await first.UntilAsync(calm, "succeeded");
            byte[] curve = await first.GetByteArrayAsync($"/v1/jobs/{calm}/artifacts/history.csv");
            Assert.Equal(JobSteps / 10 + 1, System.Text.Encoding.UTF8.GetString(curve).Trim().Split('\n').Length);

            var acknowledged = new List<string>();
            for (int kill = 0; kill < Kills; kill++)
            {
                int victim = random.Next(workers.Length);
                using (var client = new HttpClient { BaseAddress = await workers[victim].Address })
                {
                    acknowledged.Add(await client.SubmitAsync(JobClient.Training(JobSteps)));
                    Task<HttpResponseMessage> racing = client.PostAsync("training", JobClient.Training(JobSteps), $"racing-{kill}");
                    await Task.Delay(random.Next(random.Next(3) == 0 ? 50 : 3000));
                    workers[victim].KillHard();
                    if (await IdAsync(racing) is { } id) acknowledged.Add(id);
                }

                workers[victim].Dispose();
                await StartAsync(victim);
            }

            using var last = new HttpClient { BaseAddress = await workers[0].Address };
            foreach (string id in acknowledged)
            {
                await last.UntilAsync(id, "succeeded", seconds: 60 + 3 * Kills);
                JsonElement[] events = await last.EventsAsync(id);
                JobClient.NeverTwoOwners(events);
                Assert.Equal(curve, await last.GetByteArrayAsync($"/v1/jobs/{id}/artifacts/history.csv"));
            }

            int taken = 0;
            foreach (string id in acknowledged) taken += (await last.EventsAsync(id)).Count(e => e.GetProperty("type").GetString() == "state" && e.GetProperty("data").GetProperty("state").GetString() == "interrupted");
            output.WriteLine($"{Kills} kills, {acknowledged.Count} jobs, {taken} taken over while they ran");
        }
        finally
        {
            foreach (ServiceProcess? worker in workers) worker?.Dispose();
        }

        // Of a job that was acknowledged before the kill; null if it was not.
        static async Task<string?> IdAsync(Task<HttpResponseMessage> racing)
        {
            try
            {
                return (await (await racing).JsonAsync()).GetProperty("id").GetString();
            }
            catch (Exception e) when (e is HttpRequestException or IOException)
            {
                return null;
            }
        }

        async Task StartAsync(int index)
        {
            workers[index] = new ServiceProcess([
                .. database.Arguments, $"--Storage:DataFolder={Path.Combine(database.Folder, provider == Provider.PostgreSql ? $"worker{index}" : "")}", $"--Models:Folder={models.Path}", "--Models:Default=small",
                "--Jobs:MaxAttempts=1000", "--Jobs:CheckpointSeconds=0", "--Jobs:LeaseSeconds=3", "--Jobs:ReconcileSeconds=1"]);
            await workers[index].Address;
        }
    }

    [Fact]
    public async Task A_job_of_a_killed_service_goes_on_within_seconds_of_the_next_start()
    {
        await using TestDatabase database = await databases.CreateAsync(Provider.Sqlite);
        using var models = new ModelFolder();
        string id;
        using (ServiceProcess process = Start(database, models))
        {
            using var client = new HttpClient { BaseAddress = await process.Address };
            id = await client.SubmitAsync(JobClient.Training(100_000));
            await client.StepsAsync(id, 20);
            process.KillHard();
        }

        using ServiceProcess next = Start(database, models);
        using var again = new HttpClient { BaseAddress = await next.Address };
        var watch = Stopwatch.StartNew();
        while ((await again.JobAsync(id)).GetProperty("attempts").GetInt32() < 2) await Task.Delay(20);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(5), watch.Elapsed.ToString()); // with a lease of 30 s
    }

    [Fact]
    public async Task After_sigterm_a_running_job_saves_its_state_is_handed_back_and_goes_on_at_the_next_start()
    {
        if (OperatingSystem.IsWindows()) return;
        await using TestDatabase database = await databases.CreateAsync(Provider.Sqlite);
        using var models = new ModelFolder();
        string id;
        using (ServiceProcess process = Start(database, models, "--Jobs:CheckpointSeconds=3600"))
        {
            using var client = new HttpClient { BaseAddress = await process.Address };
            id = await client.SubmitAsync(JobClient.Training(100_000));
            await client.StepsAsync(id, 20);
            Assert.Equal(0, Kill(process.Id, Sigterm));
            Assert.Equal(0, await process.ExitCodeAsync());
        }

        await using (Store store = (await database.StoresAsync()).CreateDbContext())
        {
            Job job = await store.Jobs.SingleAsync();
            Assert.Equal((JobState.Interrupted, 0, null), (job.State, job.Attempts, job.LeaseOwner));
            Assert.True((await store.JobCheckpoints.SingleAsync()).Step >= 20);
        }

        using ServiceProcess next = Start(database, models);
        using var again = new HttpClient { BaseAddress = await next.Address };
        await again.UntilAsync(id, "running");
        await again.LogsAsync(id, "Goes on from step");
    }

    private static ServiceProcess Start(TestDatabase database, ModelFolder models, params string[] more) => new([.. database.Arguments, $"--Models:Folder={models.Path}", "--Models:Default=small", .. more]);

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
