using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using DenoiseService.Api.Errors;
using DenoiseService.Training;

namespace DenoiseService.Api.Jobs;

/// <summary>Reads the body of a request strictly: what is unknown, missing or of a wrong type is refused with its field's name.</summary>
internal static partial class JobJson
{
    /// <summary>The form of every request, stored or sent.</summary>
    public static JsonSerializerOptions Options { get; } = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, RespectNullableAnnotations = true, NumberHandling = JsonNumberHandling.Strict, AllowDuplicateProperties = false,
    };

    /// <summary>An object.</summary>
    /// <exception cref="ApiException">400: it is none.</exception>
    public static JsonObject Parse(ReadOnlySpan<byte> body)
    {
        try
        {
            return JsonNode.Parse(body, new JsonNodeOptions { PropertyNameCaseInsensitive = true }, new JsonDocumentOptions { AllowDuplicateProperties = false }) as JsonObject ?? throw new JsonException();
        }
        catch (JsonException)
        {
            throw new ApiException(ProblemKind.BadRequest, "The body is not a JSON object.");
        }
    }

    /// <summary>An object as a record, checked by the research half.</summary>
    /// <exception cref="ApiException">422: names the field.</exception>
    public static T Read<T>(JsonObject body, Func<T, T> validated)
    {
        try
        {
            return validated(body.Deserialize<T>(Options)!);
        }
        catch (JsonException e)
        {
            string field = (e.Path ?? "$").TrimStart('$').TrimStart('.'), missing = Missing().Match(e.Message).Groups[1].Value;
            if (missing.Length > 0) throw Invalid(field.Length > 0 ? $"{field}.{missing}" : missing, $"{missing} is missing.");
            throw Invalid(field, $"{(field.Length > 0 ? field : "The body")} is unknown here, or of a wrong type.");
        }
        catch (RecipeException e)
        {
            throw Invalid(JsonNamingPolicy.CamelCase.ConvertName(e.Field), e.Message);
        }
        catch (FormatException e)
        {
            throw Invalid("range", e.Message);
        }
    }

    /// <summary>A refusal that names a field.</summary>
    public static ApiException Invalid(string field, string detail, IReadOnlyList<string>? accepted = null) => new(ProblemKind.InvalidField, detail) { Parameter = field, Accepted = accepted };

    // "… was missing required properties including: 'path'."
    [GeneratedRegex("required properties including: '([A-Za-z0-9]+)'")]
    private static partial Regex Missing();
}
