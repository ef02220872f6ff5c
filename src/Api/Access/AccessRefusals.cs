using DenoiseService.Api.Errors;
using DenoiseService.Api.Storage;

namespace DenoiseService.Api.Access;

/// <summary>Why a caller is turned away.</summary>
internal static class AccessRefusals
{
    /// <summary>The header that carries a key beside Authorization.</summary>
    public const string KeyHeader = "X-Api-Key";

    private const string Challenge = "Bearer realm=\"denoise\"";

    /// <summary>401: no key was sent where one is needed.</summary>
    public static ApiException NoKey(KeyScopes needed) => new(ProblemKind.KeyRequired, $"This needs a key with the scope {needed.Names()}, sent as \"Authorization: Bearer KEY\" or \"{KeyHeader}: KEY\".")
    {
        Parameter = "Authorization",
        Limit = needed.Names(),
        Challenge = Challenge,
    };

    /// <summary>401: what was sent is no key, or no more.</summary>
    public static ApiException Invalid(string sentence) => new(ProblemKind.InvalidKey, sentence) { Parameter = "Authorization", Challenge = Challenge + ", error=\"invalid_token\"" };

    /// <summary>403: the key is good for other things.</summary>
    public static ApiException MissingScope(KeyScopes needed, KeyScopes held) => new(ProblemKind.ScopeMissing, $"This needs the scope {needed.Names()}; the key has {held.Names()}.")
    {
        Parameter = "scope",
        Limit = needed.Names(),
        Actual = held.Names(),
        Challenge = $"{Challenge}, error=\"insufficient_scope\", scope=\"{needed.Names()}\"",
    };

    /// <summary>403: nobody has set up who may come.</summary>
    public static ApiException LocalOnly() => new(
        ProblemKind.LocalOnly,
        "No key exists yet, so only requests from the service's own machine are answered, and none that came through a proxy. Make a key there (POST /v1/keys), or set Security:AdminKey, or Security:AllowAnonymous.")
    {
        Parameter = "Security:AllowAnonymous",
    };
}
