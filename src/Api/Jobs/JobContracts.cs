using System.Text.Json.Nodes;
using DenoiseService.Api.Storage;
using DenoiseService.Training;

namespace DenoiseService.Api.Jobs;

/// <summary>A job as clients see it.</summary>
/// <param name="Id" example="019ab2c0d1e27f3a8b4c5d6e7f809112">Its name in every route.</param>
/// <param name="Kind" example="training">What it does.</param>
/// <param name="State" example="running">Where it is; succeeded, failed and cancelled are final.</param>
/// <param name="Request">What was asked, with every default filled in.</param>
/// <param name="Seed" example="1234567">Of everything random; made by the service where the request named none.</param>
public sealed record JobInfo(string Id, JobKind Kind, JobState State, JsonObject Request, long Seed)
{
    /// <summary>0 to 100.</summary>
    /// <example>42.5</example>
    public required double Percent { get; init; }

    /// <summary>Steps done; for experiments parts of a million.</summary>
    /// <example>8500</example>
    public required long Step { get; init; }

    /// <summary>Steps in all, once known.</summary>
    /// <example>20000</example>
    public long? Steps { get; init; }

    /// <summary>Passes over the data; trainings only.</summary>
    /// <example>6.8</example>
    public double? Epoch { get; init; }

    /// <summary>Seconds left, estimated from the speed since the last start.</summary>
    /// <example>1830</example>
    public double? EtaSeconds { get; init; }

    /// <summary>The last ones.</summary>
    public JsonObject? Metrics { get; init; }

    /// <summary>How often it was started and not stopped in order.</summary>
    /// <example>1</example>
    public required int Attempts { get; init; }

    /// <summary>Why it failed, if it did; before its end, why its last run was given up, if one was: it is tried again.</summary>
    public string? Error { get; init; }

    /// <summary>SHA-256 over its data sets, once it has read them.</summary>
    public string? DataChecksum { get; init; }

    /// <summary>Of the source that ran it.</summary>
    public string? Commit { get; init; }

    /// <summary>The job that it went on from.</summary>
    public string? ParentId { get; init; }

    /// <summary>The model version that came of it.</summary>
    public string? ResultVersionId { get; init; }

    /// <summary>When it was stored.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it first ran.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>When it reached its final state.</summary>
    public DateTimeOffset? FinishedAt { get; init; }

    /// <summary>When anything of it last changed.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }

    internal static JobInfo Of(Job job) => new(job.Id, job.Kind, job.State, Object(job.EffectiveRequest ?? job.Request)!, job.Seed)
    {
        Percent = job.Percent, Step = job.Step, Steps = job.Steps, Epoch = job.Epoch, EtaSeconds = job.EtaSeconds, Metrics = Object(job.Metrics), Attempts = job.Attempts, Error = job.Error,
        DataChecksum = job.DataChecksum, Commit = job.Commit, ParentId = job.ParentId, ResultVersionId = job.ResultVersionId,
        CreatedAt = job.CreatedAt, StartedAt = job.StartedAt, FinishedAt = job.FinishedAt, UpdatedAt = job.UpdatedAt,
    };

    internal static JsonObject? Object(string? json) => json is null ? null : JsonNode.Parse(json)!.AsObject();
}

/// <summary>A page of jobs, the newest first.</summary>
/// <param name="Jobs">The page.</param>
/// <param name="Next" example="019ab2c0d1e27f3a8b4c5d6e7f809112">The cursor of the next page; null at the end.</param>
public sealed record JobPage(IReadOnlyList<JobInfo> Jobs, string? Next);

/// <summary>Something that happened in a job.</summary>
/// <param name="Id" example="17">From 1, without gaps.</param>
/// <param name="At">When.</param>
/// <param name="Type" example="progress">state, progress, validation, sample, log, checkpoint, artifact or model.</param>
/// <param name="Data">What; `lease` counts the workers that have had the job.</param>
public sealed record JobEventInfo(long Id, DateTimeOffset At, string Type, JsonObject Data);

/// <summary>Events in their order.</summary>
/// <param name="Events">After the one that was asked for.</param>
/// <param name="State" example="running">Of the job; nothing follows an empty page in a final state.</param>
public sealed record JobEventPage(IReadOnlyList<JobEventInfo> Events, JobState State);

/// <summary>A point that a job can go on from.</summary>
/// <param name="Step" example="8000">Steps done there.</param>
/// <param name="Length" example="9300412">Bytes.</param>
/// <param name="Sha256">Of the bytes.</param>
/// <param name="Metrics">Measured there.</param>
/// <param name="CreatedAt">When.</param>
public sealed record CheckpointInfo(long Step, long Length, string Sha256, JsonObject? Metrics, DateTimeOffset CreatedAt);

/// <summary>A file that a job made.</summary>
/// <param name="Name" example="history.csv">Unique in the job; the end of its address.</param>
/// <param name="MediaType" example="text/csv">Of the bytes.</param>
/// <param name="Length" example="5120">Bytes.</param>
/// <param name="Sha256">Of the bytes.</param>
/// <param name="CreatedAt">When.</param>
public sealed record ArtifactInfo(string Name, string MediaType, long Length, string Sha256, DateTimeOffset CreatedAt);

/// <summary>What an evaluation job measures.</summary>
public sealed record EvaluationJobRequest
{
    /// <summary>The model by alias, id, name or name@checksum. What it means when the job is sent is the version that the job reads, and what its record names.</summary>
    /// <example>champion</example>
    public required string Checkpoint { get; init; }

    /// <summary>Pictures and noise; `data` is the name of a data set.</summary>
    public required EvaluationProtocol Protocol { get; init; }

    /// <summary>Pixels that neighbouring tiles share. 0 to 512, below the model's tile.</summary>
    /// <example>8</example>
    public int Overlap { get; init; } = 8;

    /// <summary>Threads that run the network. 1 to 256; absent: as the settings say.</summary>
    /// <example>1</example>
    public int Threads { get; init; } = 1;
}
