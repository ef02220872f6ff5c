using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace DenoiseService.Api.Access;

/// <summary>What a key may do.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<KeyScope>))]
public enum KeyScope
{
    /// <summary>Send pictures.</summary>
    [JsonStringEnumMemberName("inference")] Inference = 1,

    /// <summary>Look at models, jobs and versions.</summary>
    [JsonStringEnumMemberName("read")] Read = 2,

    /// <summary>Everything: also train, promote, make and revoke keys.</summary>
    [JsonStringEnumMemberName("admin")] Admin = 4,
}

/// <summary>A key that is wanted.</summary>
/// <param name="Name" example="photo desk">What it is for, 1 to 100 characters; for people.</param>
/// <param name="Scopes" example="[&quot;inference&quot;, &quot;read&quot;]">What it may do, at least one.</param>
/// <param name="PatchesPerMinute" example="3000000">Its rate limit (a picture of one megapixel has about 70,000 patches); 0 for none; absent: as the settings say.</param>
/// <param name="ExpiresAt" example="2030-01-01T00:00:00Z">From when on it is refused; absent: never.</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record NewKey(
    [property: StringLength(100, MinimumLength = 1)] string Name,
    [property: MinLength(1)] IReadOnlyList<KeyScope> Scopes,
    [property: Range(0, 1e12)] long? PatchesPerMinute = null,
    DateTimeOffset? ExpiresAt = null);

/// <summary>A key, without its secret.</summary>
/// <param name="Id" example="8f0c1c1e6f5b">What DELETE /v1/keys/{id} takes.</param>
/// <param name="Prefix" example="dn_8f0c1c1e6f5b">How the key begins.</param>
/// <param name="Name" example="photo desk">What it is for.</param>
/// <param name="Scopes" example="[&quot;inference&quot;, &quot;read&quot;]">What it may do.</param>
/// <param name="PatchesPerMinute" example="3000000">Its rate limit, 0 for none; null: as the settings say.</param>
/// <param name="CreatedAt" example="2026-11-24T19:12:42.123Z">When it was made.</param>
/// <param name="LastUsedAt" example="2026-11-25T08:00:00.456Z">When it was last used, to the minute; null: never.</param>
/// <param name="ExpiresAt" example="2030-01-01T00:00:00Z">From when on it is refused; null: never.</param>
/// <param name="RevokedAt">When it was revoked; null: it was not.</param>
public sealed record KeyInfo(
    string Id, string Prefix, string Name, IReadOnlyList<KeyScope> Scopes, long? PatchesPerMinute, DateTimeOffset CreatedAt, DateTimeOffset? LastUsedAt, DateTimeOffset? ExpiresAt, DateTimeOffset? RevokedAt);

/// <summary>A key that was just made.</summary>
/// <param name="Key" example="dn_8f0c1c1e6f5b_9a41…">The key itself: shown this once, kept nowhere.</param>
/// <param name="Info">What the list shows of it.</param>
public sealed record MadeKey(string Key, KeyInfo Info);

/// <summary>All keys.</summary>
/// <param name="Keys">The newest first, the revoked ones too.</param>
public sealed record KeyList(IReadOnlyList<KeyInfo> Keys);
