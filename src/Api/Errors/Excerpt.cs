namespace DenoiseService.Api.Errors;

/// <summary>What came, as an answer repeats it: any text, but not any length of it.</summary>
internal static class Excerpt
{
    /// <summary>The text, or its beginning.</summary>
    public static string Of(string text, int most = 64) => text.Length <= most ? text : text[..most] + "…";
}
