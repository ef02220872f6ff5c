using System.Globalization;
using DenoiseService.Api.Errors;
using DenoiseService.Imaging;
using DenoiseService.Model;
using Microsoft.Extensions.Primitives;

namespace DenoiseService.Api.Pictures;

/// <summary>The parameters of a request, which may stand in the query or, in a multipart body, in form fields; the query wins.</summary>
internal sealed class RequestFields(IQueryCollection query, IFormCollection? form)
{
    /// <summary>A number.</summary>
    /// <exception cref="ApiException">400 if it is none or out of range.</exception>
    public double Number(string name, double min, double max, double otherwise) =>
        Text(name) is { } text ? Read(name, text, min, max, FormattableString.Invariant($"{min} to {max}")) : otherwise;

    /// <summary>A noise level in units of 1; null for auto, and if it was not sent.</summary>
    /// <exception cref="ApiException">400 if it is neither auto nor a number from 0 to 1.</exception>
    public float? Sigma(string name) =>
        Text(name) is not { } text || text.Equals("auto", StringComparison.OrdinalIgnoreCase) ? null : (float)Read(name, text, 0, 1, "auto, or 0 to 1, where 1 is white (25/255 is 0.098)");

    /// <summary>A whole number.</summary>
    /// <exception cref="ApiException">400 if it is none or out of range.</exception>
    public int? Whole(string name, int min, int max)
    {
        if (Text(name) is not { } text) return null;
        bool read = int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value);
        return read && value >= min && value <= max ? value : throw Invalid(name, text, FormattableString.Invariant($"{min} to {max}"), read ? value : text);
    }

    /// <summary>true or false; 1 and 0 as well.</summary>
    /// <exception cref="ApiException">400 if it is neither.</exception>
    public bool Flag(string name) => Text(name)?.ToLowerInvariant() switch
    {
        null or "false" or "0" => false,
        "true" or "1" => true,
        var other => throw Invalid(name, other, "true or false", other),
    };

    /// <summary>One of the picture formats.</summary>
    /// <exception cref="ApiException">400 if it is none of them.</exception>
    public ImageFormat? Format(string name)
    {
        if (Text(name) is not { } text) return null;
        return ImageFormats.TryParse(text, out ImageFormat format) ? format : throw Invalid(name, text, string.Join(", ", FormatNames), text);
    }

    /// <summary>keep or srgb.</summary>
    /// <exception cref="ApiException">400 if it is neither.</exception>
    public OutputColor Color(string name) => Text(name)?.ToLowerInvariant() switch
    {
        null or "keep" => OutputColor.Keep,
        "srgb" => OutputColor.Srgb,
        var other => throw Invalid(name, other, "keep or srgb", other),
    };

    /// <summary>normal or high.</summary>
    /// <exception cref="ApiException">400 if it is neither.</exception>
    public DenoiseMode Mode(string name) => Text(name)?.ToLowerInvariant() switch
    {
        null or "normal" => DenoiseMode.Normal,
        "high" => DenoiseMode.High,
        var other => throw Invalid(name, other, "normal or high", other),
    };

    /// <summary>What was sent under a name; null if nothing was.</summary>
    /// <exception cref="ApiException">400 if it was sent twice.</exception>
    public string? Text(string name)
    {
        StringValues values = query.TryGetValue(name, out StringValues inQuery) ? inQuery : form is not null && form.TryGetValue(name, out StringValues inForm) ? inForm : default;
        if (values.Count > 1) throw new ApiException(ProblemKind.InvalidParameter, $"{name} stands {values.Count} times; it may stand once.") { Parameter = name, Limit = 1, Actual = values.Count };
        return values.Count == 1 && !string.IsNullOrEmpty(values[0]) ? values[0] : null;
    }

    /// <summary>The names that `format` takes.</summary>
    public static IReadOnlyList<string> FormatNames { get; } = [.. ImageFormats.All.Select(f => f.ToString().ToLowerInvariant())];

    /// <summary>A refusal that names the parameter, what it was and what it may be.</summary>
    public static ApiException Invalid(string name, string text, string range, object actual) =>
        new(ProblemKind.InvalidParameter, $"{name} is {Excerpt.Of(text)}; it must be {range}.") { Parameter = name, Limit = range, Actual = actual is string s ? Excerpt.Of(s) : actual };

    private static double Read(string name, string text, double min, double max, string range)
    {
        bool read = double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value);
        return read && value >= min && value <= max ? value : throw Invalid(name, text, range, read && double.IsFinite(value) ? value : text);
    }
}
