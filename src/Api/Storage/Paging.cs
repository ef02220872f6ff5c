using DenoiseService.Api.Errors;

namespace DenoiseService.Api.Storage;

/// <summary>Pages of records, as every list route has them.</summary>
internal static class Paging
{
    public const int Usual = 50, Largest = 200;

    /// <summary>Records of a page; the usual number if none is asked for.</summary>
    /// <exception cref="ApiException">400: outside 1 to <see cref="Largest"/>.</exception>
    public static int LimitOf(int? limit) => limit switch
    {
        null => Usual,
        >= 1 and <= Largest => limit.Value,
        _ => throw Refusal(limit.Value),
    };

    /// <summary>Where a page begins: null at the start.</summary>
    /// <exception cref="ApiException">400: no cursor that a page has ended with.</exception>
    public static string? CursorOf(string? cursor) => string.IsNullOrEmpty(cursor) ? null : Guid.TryParseExact(cursor, "N", out _)
        ? cursor
        : throw new ApiException(ProblemKind.InvalidParameter, "cursor is none that was given here.") { Parameter = "cursor", Limit = "what the page before ended with", Actual = Excerpt.Of(cursor) };

    /// <summary>What such a number is answered with.</summary>
    public static ApiException Refusal(int limit) => new(ProblemKind.InvalidParameter, $"limit is {limit}; it must be 1 to {Largest}.") { Parameter = "limit", Limit = $"1 to {Largest}", Actual = limit };
}
