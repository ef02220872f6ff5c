using DenoiseService.Api.Datasets;
using DenoiseService.Api.Storage;
using DenoiseService.Training.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Jobs.Engine;

/// <summary>Gets everything to this machine that a job needs.</summary>
internal sealed class JobPreparation(IDbContextFactory<Store> stores, BlobStore blobs, DatasetCatalog datasets, JobModels models, IOptions<JobsOptions> options)
{
    /// <summary>The folder as the last checkpoint has it, the data sets and the model on this machine.</summary>
    /// <exception cref="DataSetException">Something is missing, or the data is not what it was.</exception>
    public async Task<JobInputs> PrepareAsync(Job job, JobLease lease, JobFolder folder)
    {
        bool goesOn;
        await using (Store store = stores.CreateDbContext())
        {
            JobCheckpoint? point = await store.JobCheckpoints.AsNoTracking().Where(c => c.JobId == job.Id).OrderByDescending(c => c.Step).FirstOrDefaultAsync(lease.Stopped);
            await using Stream? stream = point is null ? null : new MemoryStream(await blobs.ReadAsync(point.Sha256, lease.Stopped));
            folder.Prepare(stream);
            goesOn = point is not null;
            if (point is not null) await lease.WriteAsync(c => c.Log($"Goes on from step {point.Step}."));
        }

        var plan = JobPlan.Of(job.Kind, JobJson.Parse(System.Text.Encoding.UTF8.GetBytes(job.EffectiveRequest!)), options.Value.Threads);
        var folders = new Dictionary<string, DatasetFolder>();
        foreach (string name in plan.Datasets.Select(d => d.Name).Distinct()) folders[name] = await datasets.ResolveAsync(name, lease.Stopped);
        string? weights = JobPlan.CheckpointOf(job, goesOn) is { } model ? await models.ResolveAsync(model, folder.Path, lease.Stopped) : null;
        var inputs = new JobInputs(folders, weights);
        if (job.DataChecksum is { } before && before != inputs.Checksum) throw new DataSetException("The data is not what it was when the job was first started: its checksum differs.");
        await lease.WriteAsync(c =>
        {
            c.Job.DataChecksum = inputs.Checksum;
            c.Job.Commit = JobSubmission.Commit;
        });
        return inputs;
    }
}
