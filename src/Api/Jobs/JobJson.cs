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

    /// <summary>An object, every part of it.</summary>
    /// <exception cref="ApiException">400: it is none. 422: a number of it is too large for any field.</exception>
    public static JsonObject Parse(ReadOnlySpan<byte> body)
    {
        try
        {
            JsonObject read = JsonNode.Parse(body, new JsonNodeOptions { PropertyNameCaseInsensitive = true }, new JsonDocumentOptions { AllowDuplicateProperties = false }) as JsonObject ?? throw new JsonException();
            Check(read);
            return read;
        }
        catch (Exception e) when (e is JsonException or ArgumentException or InvalidOperationException)
        {
            throw new ApiException(ProblemKind.BadRequest, "The body is not a JSON object that can be read: UTF-8, every field once, whatever its case.");
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
            string field = FieldOf(e.Path ?? "$"), missing = Missing().Match(e.Message).Groups[1].Value;
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

    /// <summary>
    /// The library reads names and texts when somebody asks for them, and says only then that two names are one field or that a text is not Unicode (<see cref="ArgumentException"/>,
    /// <see cref="InvalidOperationException"/>); a number that is too large becomes infinite, which cannot be written again.
    /// </summary>
    private static void Check(JsonNode? node)
    {
        switch (node)
        {
            case JsonObject fields:
                foreach ((string _, JsonNode? value) in fields) Check(value);
                break;
            case JsonArray items:
                foreach (JsonNode? item in items) Check(item);
                break;
            case JsonValue text when text.GetValueKind() == JsonValueKind.String:
                _ = text.GetValue<string>();
                break;
            case JsonValue number when number.GetValueKind() == JsonValueKind.Number && !(number.TryGetValue(out double value) && double.IsFinite(value)):
                string field = FieldOf(number.GetPath());
                throw Invalid(field, $"{Excerpt.Of(field)} is {Excerpt.Of(number.ToJsonString())}; its magnitude must be below 1.8e308.");
        }
    }

    private static string FieldOf(string path) => path.TrimStart('$').TrimStart('.');

    // "… was missing required properties including: 'path'."
    [GeneratedRegex("required properties including: '([A-Za-z0-9]+)'")]
    private static partial Regex Missing();
}
