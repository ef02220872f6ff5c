using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Reflection;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Settings;

/// <summary>Binds a section of the settings to its options and checks them at start.</summary>
internal static class ValidatedOptions
{
    /// <summary>A value out of range, or of another type, stops the start with the setting's full name, its value and its bounds.</summary>
    public static IServiceCollection AddValidatedOptions<T>(this IServiceCollection services, string section) where T : class
    {
        services.AddOptions<T>().Configure<IConfiguration>((options, settings) => Bind(settings.GetSection(section), options)).ValidateOnStart();
        return services.AddSingleton<IValidateOptions<T>>(new AnnotationCheck<T>(section));
    }

    private static void Bind<T>(IConfigurationSection section, T options) where T : class
    {
        try
        {
            section.Bind(options);
        }
        catch (InvalidOperationException) when (Unreadable<T>(section) is { Count: > 0 } failures)
        {
            throw new OptionsValidationException(section.Path, typeof(T), failures);
        }
    }

    /// <summary>What is wrong with the values that are not of their property's type.</summary>
    private static List<string> Unreadable<T>(IConfigurationSection section) =>
    [
        .. from property in typeof(T).GetProperties()
           let value = section[property.Name]
           let type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType
           where !string.IsNullOrEmpty(value) && !TypeDescriptor.GetConverter(type).IsValid(value)
           let bounds = property.GetCustomAttribute<BoundsAttribute>()
           select $"{section.Path}:{property.Name}: is {value}; it must be {(bounds is not null ? bounds.ToString() : type.IsEnum ? string.Join(", ", Enum.GetNames(type)) : type == typeof(bool) ? "true or false" : "a number")}."
    ];

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
        return number >= min && number <= max ? null : new ValidationResult(FormattableString.Invariant($"is {number}; it must be {this}."), [validationContext.MemberName!]);
    }

    public override string ToString() => FormattableString.Invariant($"{min} to {max}");
}
