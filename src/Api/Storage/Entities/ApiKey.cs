using System.ComponentModel.DataAnnotations;
using Microsoft.EntityFrameworkCore;

namespace DenoiseService.Api.Storage;

/// <summary>What a key may do.</summary>
[Flags]
internal enum KeyScopes
{
    None = 0,
    Inference = 1,
    Read = 2,
    Admin = 4,
}

/// <summary>A key, of which only the hash is known.</summary>
[Index(nameof(Hash), IsUnique = true)]
internal sealed class ApiKey
{
    [MaxLength(64)]
    public required string Id { get; init; }

    [MaxLength(100)]
    public required string Name { get; set; }

    /// <summary>The key's first characters, to tell keys apart in lists.</summary>
    [MaxLength(16)]
    public required string Prefix { get; init; }

    /// <summary>SHA-256 or HMAC-SHA-256 of the key: 32 bytes.</summary>
    [MaxLength(32)]
    public required byte[] Hash { get; init; }

    public required KeyScopes Scopes { get; set; }

    /// <summary>Patches a minute, 0 for no limit; null: as the settings say.</summary>
    public long? RateLimitPerMinute { get; set; }

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>From when on it is refused; null: never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    public DateTimeOffset? RevokedAt { get; set; }

    public DateTimeOffset? LastUsedAt { get; set; }
}
