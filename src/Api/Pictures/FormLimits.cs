using System.Globalization;
using System.Text.RegularExpressions;
using DenoiseService.Api.Errors;
using Microsoft.AspNetCore.Http.Features;

namespace DenoiseService.Api.Pictures;

/// <summary>What the form reader takes beside the files. Which of its limits was passed it says only in words.</summary>
internal static partial class FormLimits
{
    /// <summary>Parts of a form, its files among them; no route knows more than a dozen.</summary>
    public const int Parts = 64;

    /// <summary>Characters of a name and of a value in a form that is not multipart/form-data; there they are bounded by the limits of headers and body.</summary>
    public const int NameLength = 1024, ValueLength = 64 << 10;

    /// <summary>Sets them all.</summary>
    /// <param name="form">The reader's.</param>
    /// <param name="bytes">Of the body.</param>
    public static FormOptions Bounded(this FormOptions form, long bytes)
    {
        form.MultipartBodyLengthLimit = bytes;
        // Above its threshold the form reader writes to the disk, which may be read-only.
        form.MemoryBufferThreshold = (int)bytes;
        form.ValueCountLimit = Parts;
        form.KeyLengthLimit = NameLength;
        form.ValueLengthLimit = ValueLength;
        return form;
    }

    /// <summary>The refusal of a form that is above one of them; null if something else is wrong with it.</summary>
    public static ApiException? Passed(InvalidDataException exception, ProblemKind kind)
    {
        Match words = Words().Match(exception.Message);
        if (!words.Success) return null;
        string name = words.Groups["name"].Value.ToLowerInvariant(), limit = words.Groups["limit"].Value;
        return new ApiException(kind, $"The form is above a limit: {name}, allowed are {limit}.") { Parameter = name, Limit = long.Parse(limit, CultureInfo.InvariantCulture) };
    }

    // "Form value count limit 64 exceeded.", "Multipart headers count limit 16 exceeded.", "Form key length limit 1024 or value length limit 65536 exceeded."
    [GeneratedRegex(@"\A(?:Form key length limit [0-9]+ or |Form )?(?<name>[A-Za-z ]+?) limit (?<limit>[0-9]{1,18}) exceeded")]
    private static partial Regex Words();
}
