using DenoiseService.Api.Errors;
using DenoiseService.Api.Storage;

namespace DenoiseService.Api.Access;

/// <summary>The bounds of a wanted key.</summary>
internal static class NewKeyCheck
{
    private const int MaxName = 100;

    /// <returns>Its scopes as flags.</returns>
    /// <exception cref="ApiException">400 naming the field.</exception>
    public static KeyScopes Check(NewKey wanted, DateTimeOffset now)
    {
        string name = wanted.Name?.Trim() ?? "";
        if (name.Length is 0 or > MaxName) throw Invalid("name", $"has {name.Length} characters", $"1 to {MaxName} characters", name.Length);
        if (name.Any(char.IsControl)) throw Invalid("name", "has control characters", "printable text", null);
        // A number that is no scope passes the reader.
        if (wanted.Scopes is not { Count: > 0 } || !wanted.Scopes.All(Enum.IsDefined))
        {
            throw new ApiException(ProblemKind.InvalidParameter, "scopes must name at least one of inference, read, admin, and nothing else.") { Parameter = "scopes", Accepted = [.. KeyScopeExtensions.Each.Select(s => s.Names())] };
        }

        if (wanted.PatchesPerMinute is < 0 or > RateLimitOptions.Most) throw Invalid("patchesPerMinute", $"is {wanted.PatchesPerMinute}", $"0 to {RateLimitOptions.Most}", wanted.PatchesPerMinute);
        if (wanted.ExpiresAt <= now) throw Invalid("expiresAt", $"is {wanted.ExpiresAt:u}", "a time to come", wanted.ExpiresAt);
        return (KeyScopes)wanted.Scopes.Aggregate(0, (flags, scope) => flags | (int)scope);
    }

    private static ApiException Invalid(string parameter, string fault, string limit, object? actual) =>
        new(ProblemKind.InvalidParameter, $"{parameter} {fault}; it must be {limit}.") { Parameter = parameter, Limit = limit, Actual = actual };
}
