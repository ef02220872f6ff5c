using System.ComponentModel.DataAnnotations;
using Microsoft.EntityFrameworkCore;

namespace DenoiseService.Api.Storage;

/// <summary>One line of the promotion log; names of versions are text, for the log outlives them.</summary>
[Index(nameof(Alias), nameof(At))]
internal sealed class Promotion
{
    /// <summary>Sorts by age: see <see cref="Ids"/>.</summary>
    [MaxLength(64)]
    public required string Id { get; init; }

    [MaxLength(64)]
    public required string Alias { get; init; }

    /// <summary>Null: the alias is new.</summary>
    [MaxLength(64)]
    public string? FromVersionId { get; init; }

    /// <summary>Null: the alias is gone.</summary>
    [MaxLength(64)]
    public string? ToVersionId { get; init; }

    public required DateTimeOffset At { get; init; }

    /// <summary>Id of the key, or what did it by itself.</summary>
    [MaxLength(128)]
    public required string By { get; init; }

    [MaxLength(1000)]
    public string? Reason { get; init; }

    /// <summary>Whether it went back to the champion before.</summary>
    public bool IsRollback { get; init; }
}
