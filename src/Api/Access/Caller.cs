using DenoiseService.Api.Storage;

namespace DenoiseService.Api.Access;

/// <summary>Who sent a request.</summary>
/// <param name="Id">Of the key; empty for a caller without one. For records such as <see cref="Job.Owner"/>.</param>
/// <param name="Scopes">What it may do.</param>
/// <param name="PatchesPerMinute">Its key's own rate limit, 0 for none; null: as the settings say.</param>
internal sealed record Caller(string Id, KeyScopes Scopes, long? PatchesPerMinute = null)
{
    /// <summary>Id of the key that the settings give.</summary>
    public const string ConfiguredId = "configured";

    /// <summary>For the log.</summary>
    public string Display => Id.Length > 0 ? $"key {Id}" : "a caller without a key";

    /// <summary>Somebody without a key.</summary>
    public static Caller Anonymous(KeyScopes scopes) => new("", scopes);
}

/// <summary>The caller of a request.</summary>
internal static class CallerExtensions
{
    private static readonly Caller Nobody = Caller.Anonymous(KeyScopes.None);

    /// <summary>Known on every route with a scope; on the open ones it is somebody without rights.</summary>
    public static Caller GetCaller(this HttpContext context) => context.Features.Get<Caller>() ?? Nobody;
}
