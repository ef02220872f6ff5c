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

    /// <summary>What such a number is answered with.</summary>
    public static ApiException Refusal(int limit) => new(ProblemKind.InvalidParameter, $"limit is {limit}; it must be 1 to {Largest}.") { Parameter = "limit", Limit = $"1 to {Largest}", Actual = limit };
}
