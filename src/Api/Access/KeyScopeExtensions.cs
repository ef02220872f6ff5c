using DenoiseService.Api.Storage;

namespace DenoiseService.Api.Access;

/// <summary>Arithmetic and names of scopes.</summary>
internal static class KeyScopeExtensions
{
    /// <summary>Every scope, in the order of their power.</summary>
    public static readonly KeyScopes[] Each = [KeyScopes.Inference, KeyScopes.Read, KeyScopes.Admin];

    /// <summary>Whether who has these scopes may do what needs that one: admin may do everything.</summary>
    public static bool Grants(this KeyScopes held, KeyScopes needed) => held.HasFlag(KeyScopes.Admin) || (needed != KeyScopes.None && held.HasFlag(needed));

    /// <summary>As in requests and answers: "inference, read".</summary>
    public static string Names(this KeyScopes scopes) => scopes == KeyScopes.None ? "none" : string.Join(", ", Each.Where(s => scopes.HasFlag(s)).Select(s => s.ToString().ToLowerInvariant()));
}
