using System.Text.Json;
using DenoiseService.Api.Jobs;
using DenoiseService.Api.Jobs.Engine;
using DenoiseService.Api.Tests.Models;
using DenoiseService.Api.Tests.Support;
using DenoiseService.Model;
using Microsoft.Extensions.DependencyInjection;

namespace DenoiseService.Api.Tests.Jobs;

public sealed class JobEndingTests : IAsyncLifetime, IDisposable
{
    private readonly Service _service = new(new() { ["Roles:Worker"] = "false" });
    private HttpClient _client = null!;
    private string _id = null!;

    private JobStore Jobs => _service.Services.GetRequiredService<JobStore>();

    public async Task InitializeAsync()
    {
        _client = await _service.ReadyAsync();
        _id = await _client.SubmitAsync();
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose() => _service.Dispose();

    [Fact]
    public async Task Weights_that_are_refused_fail_the_job_with_the_reason_and_its_files_are_kept()
    {
        using JobLease? lease = await ClaimAsync(maxAttempts: 10);
        using var folder = new JobFolder(Path.Combine(_service.Models.Path, "data"), _id, lease!.Number);
        folder.Prepare(null);
        using (var network = new SmallViT(ModelFolder.SmallConfig))
        {
            using (TorchSharp.torch.no_grad()) network.get_parameter("blocks.0.norm1.weight")!.fill_(float.NaN);
            Checkpoint.Save(Path.Combine(folder.Path, "best.safetensors"), network);
        }

        await _service.Services.GetRequiredService<JobEnding>().EndAsync(lease, folder, reporter: null, failure: null, message => message);
        await lease.ReleaseAsync();
        JsonElement job = await _client.JobAsync(_id);
        Assert.Equal("failed", job.State());
        Assert.Contains("blocks.0.norm1.weight has values that are not finite", job.GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.Null(job.GetProperty("resultVersionId").GetString());
        Assert.Equal("champion", Assert.Single(await _client.AliasesAsync()).Key);
        JsonElement artifacts = await (await _client.GetAsync($"/v1/jobs/{_id}/artifacts")).JsonAsync();
        Assert.Equal(["best.json", "best.safetensors"], artifacts.EnumerateArray().Select(a => a.GetProperty("name").GetString()));
    }

    [Fact]
    public async Task Why_a_run_was_given_up_is_shown_and_kept_until_the_job_has_been_started_too_often()
    {
        using (JobLease? lease = await ClaimAsync(maxAttempts: 1))
        {
            await JobEnding.NoteAsync(lease!, new InvalidOperationException("secret"), message => message);
            Assert.StartsWith("An unexpected error", (await _client.JobAsync(_id)).GetProperty("error").GetString(), StringComparison.Ordinal);
            await JobEnding.NoteAsync(lease!, new CheckpointException("HERE/best.safetensors is truncated."), message => message.Replace("HERE/", "", StringComparison.Ordinal));
            await lease!.ReleaseAsync();
        }

        JsonElement job = await _client.JobAsync(_id);
        Assert.Equal(("running", "best.safetensors is truncated."), (job.State(), job.GetProperty("error").GetString()));
        await Jobs.ChangeAsync(_id, c => c.Job.LeaseOwner = null, CancellationToken.None); // as when it has run out
        Assert.Null(await ClaimAsync(maxAttempts: 1));
        job = await _client.JobAsync(_id);
        Assert.Equal("failed", job.State());
        foreach (string part in (string[])["1 times", "Jobs:MaxAttempts", "best.safetensors is truncated."]) Assert.Contains(part, job.GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.DoesNotContain("died", job.GetProperty("error").GetString(), StringComparison.Ordinal);
    }

    private Task<JobLease?> ClaimAsync(int maxAttempts) =>
        JobLease.ClaimAsync(_id, Jobs, _service.Services.GetRequiredService<WorkerIdentity>(), new JobsOptions { MaxAttempts = maxAttempts }, TimeProvider.System, CancellationToken.None);
}
