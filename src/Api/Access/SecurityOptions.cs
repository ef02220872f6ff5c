using System.ComponentModel.DataAnnotations;
using DenoiseService.Api.Settings;
using DenoiseService.Api.Storage;

namespace DenoiseService.Api.Access;

/// <summary>
/// Who may come. With the defaults and no key the service answers only on its own machine, without asking for one; from the first key on, keys are asked for
/// everywhere. Messages never show the key.
/// </summary>
internal sealed class SecurityOptions : IValidatableObject
{
    /// <summary>The section of the settings.</summary>
    public const string Section = "Security";

    /// <summary>Characters of <see cref="AdminKey"/>: what it holds is kept as a plain SHA-256, which only a long random text stands.</summary>
    public const int MinKeyLength = 32, MaxKeyLength = 256;

    /// <summary>A key with all scopes, beside the stored ones: 32 to 256 random printable characters without blanks (openssl rand -hex 32). Default none.</summary>
    public string? AdminKey { get; set; }

    /// <summary>Ask for keys from the first start on, also on the own machine; where there is none yet, an admin key is made and logged once. Default false.</summary>
    public bool RequireKeys { get; set; }

    /// <summary>Let anybody in without a key, from anywhere, for <see cref="AnonymousScopes"/>. Default false.</summary>
    public bool AllowAnonymous { get; set; }

    /// <summary>What callers without a key may do where AllowAnonymous is set: Inference, Read, Admin, with commas between. Default "Inference, Read".</summary>
    public KeyScopes AnonymousScopes { get; set; } = KeyScopes.Inference | KeyScopes.Read;

    /// <summary>Seconds that a key read from the database is believed: how late a replica notices that another one revoked it. 0 to 60; default 5.</summary>
    [Bounds(0, 60)]
    public double KeyCacheSeconds { get; set; } = 5;

    /// <summary>Whether the settings alone demand keys.</summary>
    public bool DemandKeys => RequireKeys || HasAdminKey;

    /// <summary>Whether the settings give a key.</summary>
    public bool HasAdminKey => !string.IsNullOrEmpty(AdminKey);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (HasAdminKey && AdminKey!.Length is < MinKeyLength or > MaxKeyLength)
        {
            yield return new ValidationResult($"has {AdminKey.Length} characters; it must have {MinKeyLength} to {MaxKeyLength}.", [nameof(AdminKey)]);
        }

        if (HasAdminKey && AdminKey!.Any(c => c is <= ' ' or > '~')) yield return new ValidationResult("must be printable ASCII without blanks.", [nameof(AdminKey)]);
        const KeyScopes all = KeyScopes.Inference | KeyScopes.Read | KeyScopes.Admin;
        if (AnonymousScopes == KeyScopes.None || (AnonymousScopes & ~all) != 0) yield return new ValidationResult("must be some of Inference, Read, Admin.", [nameof(AnonymousScopes)]);
    }
}
