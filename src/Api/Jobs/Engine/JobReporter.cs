using System.Text.Json;
using System.Text.Json.Nodes;
using DenoiseService.Api.Storage;
using DenoiseService.Training;
using DenoiseService.Training.Experiments;

namespace DenoiseService.Api.Jobs.Engine;

/// <summary>
/// What a job says while it runs. Called on the job's own thread between two steps: lets pictures pass, stores how far it is at most every second and
/// at validations, stores checkpoints. Never throws for a database that is away: the next time will do.
/// </summary>
internal sealed class JobReporter(JobLease lease, JobFolder folder, BlobStore blobs, InferenceFirst inference, JobsOptions options, TimeProvider time)
    : IProgress<TrainingProgress>, IProgress<ExperimentProgress>, IProgress<double>
{
    private const double Million = 1e6;
    private const int KeptCheckpoints = 3;
    private static readonly TimeSpan WriteEvery = TimeSpan.FromSeconds(1), EventEvery = TimeSpan.FromSeconds(5);
    private readonly JsonObject _metrics = [];
    private readonly HashSet<string> _stages = []; // trainings side by side take turns
    private long _written = time.GetTimestamp(), _told = time.GetTimestamp(), _packed = time.GetTimestamp(), _step;
    private DateTime? _saved = folder.SavedAt;
    private (long Step, string? Metrics) _validated;

    /// <inheritdoc/>
    public void Report(TrainingProgress value)
    {
        Pass();
        _step = value.Step;
        _metrics["loss"] = double.IsFinite(value.Loss) ? value.Loss : null;
        _metrics["learningRate"] = value.LearningRate;
        if (value.ValidationPsnr is { } psnr) _metrics["validationPsnr"] = psnr;
        bool validated = value.ValidationPsnr is not null;
        if (validated) _validated = (value.Step, _metrics.ToJsonString());
        if (validated || Due(ref _written, WriteEvery))
        {
            bool tell = validated || Due(ref _told, EventEvery);
            Try(c =>
            {
                (c.Job.Step, c.Job.Steps, c.Job.Epoch) = (value.Step, value.Steps, value.Epoch);
                Progress(c, 100.0 * value.Step / value.Steps, value.Remaining);
                if (tell) c.Event(validated ? JobEvents.Validation : JobEvents.Progress, new JsonObject { ["step"] = value.Step, ["steps"] = value.Steps, ["epoch"] = Math.Round(value.Epoch, 3), ["etaSeconds"] = Math.Round(value.Remaining.TotalSeconds, 1), ["metrics"] = _metrics.DeepClone() });
            });
        }

        if (value.Sample is { } sample) Show(sample, value.Step);
        Checkpoint(force: value.Step == value.Steps);
    }

    /// <inheritdoc/>
    public void Report(ExperimentProgress value)
    {
        Pass();
        _step = Math.Max(_step, (long)(value.Fraction * Million));
        string stage = value.Stage.Split(':')[0];
        bool news = _stages.Add(stage);
        if (news || Due(ref _written, WriteEvery))
        {
            bool tell = Due(ref _told, EventEvery);
            Try(c =>
            {
                (c.Job.Step, c.Job.Steps) = (_step, (long)Million);
                Progress(c, 100 * value.Fraction, value.Remaining);
                if (news) c.Log(stage);
                if (tell) c.Event(JobEvents.Progress, new JsonObject { ["stage"] = value.Stage, ["percent"] = Math.Round(100 * value.Fraction, 2), ["etaSeconds"] = value.Remaining?.TotalSeconds });
            });
        }

        Checkpoint(force: false);
    }

    /// <inheritdoc/>
    public void Report(double value) => Report(new ExperimentProgress("pictures", value, null));

    /// <summary>Stores a point to go on from, if the work has saved anything since the last one.</summary>
    /// <param name="force">Also where one was stored a moment ago.</param>
    public void Checkpoint(bool force)
    {
        if (!force && time.GetElapsedTime(_packed).TotalSeconds < options.CheckpointSeconds) return;
        DateTime? saved = folder.SavedAt;
        if (saved is null || saved == _saved) return;
        try
        {
            long? step = folder.SavedStep;
            using FileStream pack = folder.Pack();
            (string sha256, long length) = blobs.PutAsync(pack, CancellationToken.None).GetAwaiter().GetResult();
            lease.WriteAsync(c => Add(c, step, sha256, length)).GetAwaiter().GetResult();
            _saved = saved;
        }
        catch (Exception e) when (StorageErrors.IsUnavailable(e))
        {
            // The next time will do.
        }

        _packed = time.GetTimestamp();
    }

    /// <summary>Stores a sheet of restored images at once, for those who watch.</summary>
    private void Show(TrainingSample sample, long step)
    {
        try
        {
            using FileStream sheet = File.OpenRead(Path.Combine(folder.Path, sample.File));
            (string sha256, long length) = blobs.PutAsync(sheet, CancellationToken.None).GetAwaiter().GetResult();
            lease.WriteAsync(c =>
            {
                c.Artifact(sample.File, JobResults.MediaTypeOf(sample.File), sha256, length);
                c.Event(JobEvents.Sample, new JsonObject { ["step"] = step, ["artifact"] = sample.File, ["sigma"] = sample.Sigma, ["routing"] = JsonSerializer.SerializeToNode(sample.Moves, JobJson.Options) });
            }).GetAwaiter().GetResult();
        }
        catch (Exception e) when (StorageErrors.IsUnavailable(e))
        {
            // It is among the files that are stored at the end.
        }
    }

    private void Add(JobChange change, long? saved, string sha256, long length)
    {
        List<JobCheckpoint> stored = [.. change.Store.JobCheckpoints.Where(p => p.JobId == lease.Id).OrderByDescending(p => p.Step)];
        // A training's state may be older than its last report; an experiment has no step of its own, and its parts of a million may not have moved.
        long step = saved ?? (stored.Count == 0 ? _step : Math.Max(_step, stored[0].Step + 1));
        if (stored.Count > 0 && stored[0].Step >= step) return; // a state that was only read and saved again
        string? metrics = step == _step && _metrics.Count > 0 ? _metrics.ToJsonString() : step == _validated.Step ? _validated.Metrics : null;
        change.Store.JobCheckpoints.Add(new JobCheckpoint { JobId = lease.Id, Step = step, Sha256 = sha256, Length = length, Metrics = metrics, CreatedAt = change.Now });
        change.Store.JobCheckpoints.RemoveRange(stored.Skip(KeptCheckpoints - 1));
        change.Event(JobEvents.Checkpoint, new JsonObject { ["step"] = step, ["length"] = length, ["sha256"] = sha256 });
    }

    private void Progress(JobChange change, double percent, TimeSpan? left)
    {
        change.Job.Percent = Math.Round(Math.Clamp(percent, 0, 100), 3);
        change.Job.EtaSeconds = left?.TotalSeconds;
        if (_metrics.Count > 0) change.Job.Metrics = _metrics.ToJsonString();
    }

    private void Pass()
    {
        inference.Wait(lease.Stopped);
        lease.Check();
    }

    private void Try(Action<JobChange> change)
    {
        try
        {
            lease.WriteAsync(change).GetAwaiter().GetResult();
        }
        catch (Exception e) when (StorageErrors.IsUnavailable(e))
        {
            // The next time will do.
        }
    }

    private bool Due(ref long last, TimeSpan every)
    {
        if (time.GetElapsedTime(last) < every) return false;
        last = time.GetTimestamp();
        return true;
    }
}
