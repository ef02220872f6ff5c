namespace DenoiseService.Api.Errors;

/// <summary>A request that is refused, or failed, for a reason that its client may read.</summary>
/// <param name="kind">What kind of refusal.</param>
/// <param name="detail">What is wrong with this request, as a sentence; never a path of the server.</param>
internal sealed class ApiException(ProblemKind kind, string detail) : Exception(detail)
{
    /// <summary>What kind of refusal.</summary>
    public ProblemKind Kind { get; } = kind;

    /// <summary>The parameter, header or limit it is about.</summary>
    public string? Parameter { get; init; }

    /// <summary>What is allowed.</summary>
    public object? Limit { get; init; }

    /// <summary>What came.</summary>
    public object? Actual { get; init; }

    /// <summary>The values that would be accepted, where there is a short list.</summary>
    public IReadOnlyList<string>? Accepted { get; init; }

    /// <summary>How to authenticate: the header WWW-Authenticate.</summary>
    public string? Challenge { get; init; }

    /// <summary>When to come back.</summary>
    public TimeSpan? RetryAfter { get; init; }
}
