using System.ComponentModel.DataAnnotations;
using DenoiseService.Api.Settings;

namespace DenoiseService.Api.Jobs;

/// <summary>How jobs are run. Any process with the worker's role runs one at a time.</summary>
internal sealed class JobsOptions
{
    /// <summary>The section of the settings.</summary>
    public const string Section = "Jobs";

    /// <summary>Threads of a job where its request names no number. 1 to 256; default 1: the others serve pictures.</summary>
    [Bounds(1, 256)]
    public int Threads { get; set; } = 1;

    /// <summary>Seconds that a worker may be silent before its job is given to another; clocks of several machines must agree within a fraction of it. 0.5 to 3,600; default 30.</summary>
    [Bounds(0.5, 3600)]
    public double LeaseSeconds { get; set; } = 30;

    /// <summary>Seconds between two looks for jobs that are due and have no live owner. 0.1 to 3,600; default 60.</summary>
    [Bounds(0.1, 3600)]
    public double ReconcileSeconds { get; set; } = 60;

    /// <summary>How often a job is started after its worker died, or could not store its end, before it fails; orderly stops do not count. 1 to 1,000,000; default 10.</summary>
    [Bounds(1, 1_000_000)]
    public int MaxAttempts { get; set; } = 10;

    /// <summary>Seconds between two stored checkpoints at least; they are taken at validations and whenever the run saves its state. 0 to 86,400; default 30.</summary>
    [Bounds(0, 86_400)]
    public double CheckpointSeconds { get; set; } = 30;

    /// <summary>Seconds that a step of a job waits at most for pictures that are being served. 0 to 60; default 2.</summary>
    [Bounds(0, 60)]
    public double MaxYieldSeconds { get; set; } = 2;

    /// <summary>Bytes of the squares that a training may ask for, validation included: they are in memory while it runs, 3 for each pixel. Looked at when it is sent. 1,048,576 to 1,099,511,627,776; default 4,294,967,296.</summary>
    [Bounds(1 << 20, 1L << 40)]
    public long MaxSquaresBytes { get; set; } = 4L << 30;

    /// <summary>Bytes that the images of a step may take in a training, by an estimate from its network; an experiment's trainings side by side count together. Looked at when it is sent. 1,048,576 to 1,099,511,627,776; default 17,179,869,184.</summary>
    [Bounds(1 << 20, 1L << 40)]
    public long MaxBatchBytes { get; set; } = 16L << 30;

    /// <summary>Days that a finished job is kept with its events, checkpoints and artifacts; model versions stay. 0.001 to 36,500; default 90.</summary>
    [Bounds(0.001, 36_500)]
    public double KeepDays { get; set; } = 90;

    /// <summary><see cref="LeaseSeconds"/>.</summary>
    public TimeSpan Lease => TimeSpan.FromSeconds(LeaseSeconds);
}

/// <summary>What this process does. Both by default; where several processes share a PostgreSQL database, some may only answer and some only run jobs.</summary>
internal sealed class RolesOptions : IValidatableObject
{
    /// <summary>The section of the settings.</summary>
    public const string Section = "Roles";

    /// <summary>Answer requests; without it only the health routes are there. Default true.</summary>
    public bool Api { get; set; } = true;

    /// <summary>Run jobs. Default true.</summary>
    public bool Worker { get; set; } = true;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!Api && !Worker) yield return new ValidationResult("and Roles:Api are both false; one of them must be true.", [nameof(Worker)]);
    }
}
