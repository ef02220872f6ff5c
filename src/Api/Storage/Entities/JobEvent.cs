using System.ComponentModel.DataAnnotations;
using Microsoft.EntityFrameworkCore;

namespace DenoiseService.Api.Storage;

/// <summary>What happened in a job, in order; lines of its log are events too. Two writers of the same sequence number: one fails.</summary>
[PrimaryKey(nameof(JobId), nameof(Sequence))]
internal sealed class JobEvent
{
    [MaxLength(64)]
    public required string JobId { get; init; }

    /// <summary>From 1, without gaps, within the job.</summary>
    public required long Sequence { get; init; }

    public required DateTimeOffset At { get; init; }

    /// <summary>For instance state, progress, log, checkpoint.</summary>
    [MaxLength(64)]
    public required string Type { get; init; }

    /// <summary>JSON.</summary>
    public required string Data { get; init; }
}
