using System.Security.Cryptography;
using System.Text;

namespace DenoiseService.Api.Webhooks;

/// <summary>Secrets and signatures in the form of the Standard Webhooks specification, so that its libraries verify them.</summary>
internal static class WebhookSecret
{
    /// <summary>How every secret begins; base64 follows.</summary>
    public const string Mark = "whsec_";

    /// <summary>Bytes of a secret.</summary>
    public const int Least = 24, Most = 64;

    private const int Usual = 32;

    /// <summary>A new one. The system's generator on purpose: nobody may guess or repeat it.</summary>
    public static byte[] New() => RandomNumberGenerator.GetBytes(Usual);

    /// <summary>As people get it.</summary>
    public static string ToText(byte[] secret) => Mark + Convert.ToBase64String(secret);

    /// <summary>The bytes of a secret that was sent; null if it has not the form.</summary>
    public static byte[]? Parse(string text)
    {
        byte[] bytes = new byte[Most + 3];
        return text.StartsWith(Mark, StringComparison.Ordinal) && Convert.TryFromBase64String(text[Mark.Length..], bytes, out int length) && length is >= Least and <= Most ? bytes[..length] : null;
    }

    /// <summary>The value of the header webhook-signature.</summary>
    /// <param name="secret">Of the webhook.</param>
    /// <param name="id">Of the delivery: the header webhook-id.</param>
    /// <param name="timestamp">Unix seconds: the header webhook-timestamp.</param>
    /// <param name="body">As it is sent.</param>
    public static string Sign(byte[] secret, string id, long timestamp, string body) =>
        "v1," + Convert.ToBase64String(HMACSHA256.HashData(secret, Encoding.UTF8.GetBytes(FormattableString.Invariant($"{id}.{timestamp}.{body}"))));
}
