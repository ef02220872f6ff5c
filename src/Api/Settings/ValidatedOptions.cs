using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Settings;

/// <summary>Binds a section of the settings to its options and checks them at start.</summary>
internal static class ValidatedOptions
{
    /// <summary>A value out of range stops the start with the setting's full name, its value and its bounds.</summary>
    public static IServiceCollection AddValidatedOptions<T>(this IServiceCollection services, string section) where T : class
    {
        services.AddOptions<T>().BindConfiguration(section).ValidateOnStart();
        return services.AddSingleton<IValidateOptions<T>>(new AnnotationCheck<T>(section));
    }

    private sealed class AnnotationCheck<T>(string section) : IValidateOptions<T> where T : class
    {
        public ValidateOptionsResult Validate(string? name, T options)
        {
            var found = new List<ValidationResult>();
            if (Validator.TryValidateObject(options, new ValidationContext(options), found, validateAllProperties: true)) return ValidateOptionsResult.Success;
            return ValidateOptionsResult.Fail(found.Select(f => $"{section}:{string.Join(", ", f.MemberNames)}: {f.ErrorMessage}"));
        }
    }
}

/// <summary>The bounds of a number among the settings.</summary>
/// <param name="min">Smallest value allowed.</param>
/// <param name="max">Largest value allowed.</param>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class BoundsAttribute(double min, double max) : ValidationAttribute
{
    protected override ValidationResult? IsValid(object? value, ValidationContext validationContext)
    {
        double number = Convert.ToDouble(value, System.Globalization.CultureInfo.InvariantCulture);
        return number >= min && number <= max ? null : new ValidationResult(FormattableString.Invariant($"is {number}; it must be {min} to {max}."), [validationContext.MemberName!]);
    }
}
