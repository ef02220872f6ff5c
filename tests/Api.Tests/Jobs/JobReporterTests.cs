using System.Globalization;
using System.Text.Json.Nodes;
using DenoiseService.Api.Jobs;
using DenoiseService.Api.Jobs.Engine;
using DenoiseService.Api.Storage;
using DenoiseService.Api.Tests.Access;
using DenoiseService.Api.Tests.Models;
using DenoiseService.Api.Tests.Storage;
using DenoiseService.Api.Tests.Support;
using DenoiseService.Model;
using DenoiseService.Training;
using DenoiseService.Training.Experiments;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace DenoiseService.Api.Tests.Jobs;

public sealed class JobReporterTests : IAsyncLifetime, IDisposable
{
    private readonly Service _service = new(new() { ["Roles:Worker"] = "false" });
    private readonly SteppedTime _time = new();
    private HttpClient _client = null!;
    private JobLease _lease = null!;
    private JobFolder _folder = null!;

    private JobStore Jobs => _service.Services.GetRequiredService<JobStore>();

    public async Task InitializeAsync()
    {
        _client = await _service.ReadyAsync();
        string id = await _client.SubmitAsync();
        // Its heartbeat writes nothing while a test runs.
        _lease = (await JobLease.ClaimAsync(id, Jobs, _service.Services.GetRequiredService<WorkerIdentity>(), new JobsOptions { LeaseSeconds = 3600 }, TimeProvider.System, CancellationToken.None))!;
        _folder = new JobFolder(Path.Combine(_service.Models.Path, "data"), id, _lease.Number);
        _folder.Prepare(null);
    }

    public Task DisposeAsync() => _lease.ReleaseAsync();

    public void Dispose()
    {
        _folder.Dispose();
        _lease.Dispose();
        _service.Dispose();
    }

    [Fact]
    public async Task Trainings_side_by_side_are_logged_once_each_and_stored_at_most_every_second()
    {
        string[] trainings = ["standard-seed1", "adaptive-seed1"];
        long before = await RevisionAsync();
        await RunAsync(reporter =>
        {
            for (int step = 1; step <= 20; step++)
            {
                foreach (string training in trainings) reporter.Report(new ExperimentProgress($"{training}: step {step}/20", step / 20.0, null));
                _time.Step(0.25);
            }
        });
        Assert.Equal(trainings, (await _client.EventsAsync(_lease.Id)).Where(e => e.GetProperty("type").GetString() == "log").Select(e => e.GetProperty("data").GetProperty("message").GetString()));
        Assert.Equal(before + trainings.Length + 4, await RevisionAsync()); // and after 1, 2, 3 and 4 s
    }

    [Fact]
    public async Task A_checkpoint_has_the_step_and_the_metrics_of_the_state_that_it_holds()
    {
        await RunAsync(reporter =>
        {
            _time.Step(20);
            Save(110);
            reporter.Report(Progress(110, psnr: 30));
            _time.Step(10);
            reporter.Report(Progress(115)); // now one is due
            Save(200); // between two validations
            reporter.Report(Progress(200));
            _time.Step(30);
            reporter.Report(Progress(230));
            Save(240);
            reporter.Report(Progress(240));
            reporter.Checkpoint(force: true);
        });
        await using Store store = _service.Store();
        List<JobCheckpoint> stored = await store.JobCheckpoints.AsNoTracking().Where(c => c.JobId == _lease.Id).OrderBy(c => c.Step).ToListAsync();
        (long, double?, double?)[] expected = [(110, 0.11, 30), (200, null, null), (240, 0.24, 30)];
        Assert.Equal(expected, stored.Select(c => (c.Step, Of(c, "loss"), Of(c, "validationPsnr"))));

        static double? Of(JobCheckpoint checkpoint, string metric) => checkpoint.Metrics is null ? null : (double?)JsonNode.Parse(checkpoint.Metrics)![metric];
    }

    /// <summary>On a thread of a job: what a reporter does blocks.</summary>
    private Task RunAsync(Action<JobReporter> work) => JobThread.RunAsync(1, () =>
        work(new JobReporter(_lease, _folder, _service.Services.GetRequiredService<BlobStore>(), _service.Services.GetRequiredService<InferenceFirst>(), new JobsOptions(), _time)));

    private async Task<long> RevisionAsync() => (await Jobs.GetAsync(_lease.Id, CancellationToken.None)).Revision;

    private static TrainingProgress Progress(long step, double? psnr = null) => new(step, Steps: 1000, Epoch: 1, Loss: step / 1000.0, LearningRate: 1e-3, psnr, Remaining: TimeSpan.FromMinutes(1));

    private void Save(long step)
    {
        string path = Path.Combine(_folder.Path, "state.safetensors");
        using TorchSharp.torch.Tensor weights = TorchSharp.torch.zeros(1);
        Safetensors.Write(path, new Dictionary<string, TorchSharp.torch.Tensor> { ["weights.a"] = weights }, new Dictionary<string, string> { ["step"] = step.ToString(CultureInfo.InvariantCulture) });
        File.SetLastWriteTimeUtc(path, Records.Noon.UtcDateTime.AddSeconds(step)); // however coarse the clock of the file system
    }
}
