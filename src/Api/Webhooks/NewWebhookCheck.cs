using System.Net;
using DenoiseService.Api.Errors;

namespace DenoiseService.Api.Webhooks;

/// <summary>The bounds of a wanted webhook.</summary>
internal static class NewWebhookCheck
{
    private const int MaxUrl = 2000, MaxDescription = 200;

    /// <summary>The address in its usual form. A name is not looked up: it may lead elsewhere by the time of sending, which is when its addresses are looked at.</summary>
    /// <exception cref="ApiException">400.</exception>
    public static string UrlOf(string? text, bool allowPrivate)
    {
        string schemes = allowPrivate ? "https or http" : "https";
        if (string.IsNullOrWhiteSpace(text)) throw Invalid("url", "is missing", "an absolute address", null);
        if (text.Length > MaxUrl) throw Invalid("url", $"has {text.Length} characters", $"at most {MaxUrl} characters", text.Length);
        if (!Uri.TryCreate(text, UriKind.Absolute, out Uri? url) || url.Host.Length == 0) throw Invalid("url", "is no absolute address", $"an absolute address with {schemes}", null);
        if (url.Scheme != Uri.UriSchemeHttps && !(allowPrivate && url.Scheme == Uri.UriSchemeHttp)) throw Invalid("url", $"has the scheme {Excerpt.Of(url.Scheme)}", schemes, Excerpt.Of(url.Scheme));
        // Not shown: it is somebody's password.
        if (url.UserInfo.Length > 0) throw Invalid("url", "has a user name or a password", "an address without them", null);
        if (!allowPrivate && IPAddress.TryParse(url.DnsSafeHost, out IPAddress? address) && !PublicAddresses.Contains(address)) throw Invalid("url", "leads to an address that is not public", "a public address", address.ToString());
        if (url.AbsoluteUri.Length > MaxUrl) throw Invalid("url", $"has {url.AbsoluteUri.Length} characters when escaped", $"at most {MaxUrl} characters", url.AbsoluteUri.Length);
        return url.AbsoluteUri;
    }

    /// <summary>The filter; everything if there is none.</summary>
    /// <exception cref="ApiException">400.</exception>
    public static string EventsOf(IReadOnlyList<string>? events)
    {
        if (events is null) return WebhookEvents.Join(WebhookEvents.Everything);
        if (events.Count > 0 && events.All(e => WebhookEvents.Filters.Contains(e))) return WebhookEvents.Join(events.Distinct());
        string actual = events.Count == 0 ? "none" : Excerpt.Of(events.First(e => !WebhookEvents.Filters.Contains(e)) ?? "null");
        throw new ApiException(ProblemKind.InvalidParameter, $"events has {actual}; it must name at least one type or family of events, and nothing else.") { Parameter = "events", Limit = "at least one, all known", Actual = actual, Accepted = WebhookEvents.Filters };
    }

    /// <summary>The description; null if there is none.</summary>
    /// <exception cref="ApiException">400.</exception>
    public static string? DescriptionOf(string? text)
    {
        if (string.IsNullOrWhiteSpace(text)) return null;
        if (text.Length > MaxDescription) throw Invalid("description", $"has {text.Length} characters", $"at most {MaxDescription} characters", text.Length);
        return text.Any(char.IsControl) ? throw Invalid("description", "has control characters", "one line of text", "control characters") : text.Trim();
    }

    /// <summary>The bytes of the secret; new ones if there is none.</summary>
    /// <exception cref="ApiException">400; never shows the secret.</exception>
    public static byte[] SecretOf(string? text) =>
        text is null ? WebhookSecret.New() : WebhookSecret.Parse(text) ?? throw Invalid("secret", "has not the form", $"{WebhookSecret.Mark} and {WebhookSecret.Least} to {WebhookSecret.Most} bytes in base64", null);

    private static ApiException Invalid(string parameter, string fault, string limit, object? actual) =>
        new(ProblemKind.InvalidParameter, $"{parameter} {fault}; it must be {limit}.") { Parameter = parameter, Limit = limit, Actual = actual };
}
