using System.Text.Json.Serialization;

namespace DenoiseService.Api.Errors;

/// <summary>RFC 9457 problem details, with what was allowed and what came.</summary>
/// <param name="Type" example="urn:denoise:problem:invalid-parameter">Stable URI of the kind of problem.</param>
/// <param name="Title" example="A parameter is out of range">The same for every occurrence of the kind.</param>
/// <param name="Status" example="400">The HTTP status.</param>
/// <param name="Detail" example="strength is 7; it must be 0 to 1.">What is wrong with this request.</param>
/// <param name="RequestId" example="8f0c1c1e6f5b4f0d">Also in the header X-Request-Id and in the server's log.</param>
public sealed record Problem(string Type, string Title, int Status, string Detail, string RequestId)
{
    /// <summary>The parameter, header or limit it is about.</summary>
    /// <example>strength</example>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Parameter { get; init; }

    /// <summary>What is allowed: a number, or a range as text.</summary>
    /// <example>0 to 1</example>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public object? Limit { get; init; }

    /// <summary>What came.</summary>
    /// <example>7</example>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public object? Actual { get; init; }

    /// <summary>The values that would be accepted.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Accepted { get; init; }

    /// <summary>The media type of every error.</summary>
    public const string MediaType = "application/problem+json";
}
