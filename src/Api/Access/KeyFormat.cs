using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace DenoiseService.Api.Access;

/// <summary>
/// A key is "dn_", twelve hex digits by which it is found, "_", and a secret of 256 random bits in hex: easy to recognise for people and for scanners of
/// leaked secrets, and a double click marks all of it.
/// </summary>
internal static partial class KeyFormat
{
    /// <summary>How every key begins.</summary>
    public const string Mark = "dn_";

    private const int IdDigits = 12, SecretDigits = 64;

    /// <summary>A new id, random.</summary>
    public static string NewId() => RandomNumberGenerator.GetHexString(IdDigits, lowercase: true);

    /// <summary>A new key of this id. The system's generator on purpose, and no other: nobody may guess or repeat it.</summary>
    public static string NewKey(string id) => $"{Prefix(id)}_{RandomNumberGenerator.GetHexString(SecretDigits, lowercase: true)}";

    /// <summary>What may be shown of a key.</summary>
    public static string Prefix(string id) => Mark + id;

    /// <summary>The id in a text that has the form of a key, or null.</summary>
    public static string? IdOf(string text) => Form().Match(text) is { Success: true } match ? match.Groups[1].Value : null;

    /// <summary>
    /// What is kept of a key. A plain SHA-256 and no slow password hash: those make guessing dear where people choose the secret, but nobody guesses 256 random
    /// bits, and every request has to be checked.
    /// </summary>
    public static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));

    /// <summary>Whether a key is the one of this hash, in a time that does not depend on where they differ.</summary>
    public static bool Matches(string key, byte[] hash) => CryptographicOperations.FixedTimeEquals(Hash(key), hash);

    [GeneratedRegex(@"\Adn_([0-9a-f]{12})_[0-9a-f]{64}\z")]
    private static partial Regex Form();
}
