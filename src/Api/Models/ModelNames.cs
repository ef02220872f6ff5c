using System.Text.RegularExpressions;

namespace DenoiseService.Api.Models;

/// <summary>What versions and their aliases are called.</summary>
internal static partial class ModelNames
{
    /// <summary>The alias that answers requests which name no model.</summary>
    public const string Champion = "champion";

    /// <summary>The alias of what was uploaded or trained last and is not champion yet.</summary>
    public const string Candidate = "candidate";

    /// <summary>The alias of the champion before this one; every change of the champion sets it.</summary>
    public const string Previous = "previous";

    /// <summary>Of a name, as a regular expression.</summary>
    public const string Pattern = "[A-Za-z0-9._-]{1,100}";

    /// <summary>Every alias there can be.</summary>
    public static IReadOnlyList<string> Aliases { get; } = [Champion, Candidate, Previous];

    /// <summary>Whether a version may be called so: an alias would hide it.</summary>
    public static bool IsName(string text) => Name().IsMatch(text) && !Aliases.Contains(text);

    /// <summary>Whether it can be an alias, an id, a name, or name@checksum; anything else is not looked for.</summary>
    public static bool IsReference(string text) => Reference().IsMatch(text);

    [GeneratedRegex($@"\A{Pattern}\z")]
    private static partial Regex Name();

    [GeneratedRegex($@"\A{Pattern}(@[0-9a-f]{{12,64}})?\z")]
    private static partial Regex Reference();
}
