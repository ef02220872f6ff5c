using System.Buffers.Binary;

namespace DenoiseService.Imaging;

/// <summary>Checks on colour profiles, which come from hostile files like all else.</summary>
internal static class IccProfile
{
    private const int HeaderLength = 128;

    /// <summary>
    /// Whether the profile is whole and describes this number of colour channels. One that is not would be refused by some writers, or
    /// describe other colours than the pixels have, so it is dropped when the picture is read.
    /// </summary>
    public static bool Fits(ReadOnlySpan<byte> profile, int colourChannels) =>
        profile.Length > HeaderLength
        && BinaryPrimitives.ReadUInt32BigEndian(profile) == profile.Length
        && profile[36..].StartsWith("acsp"u8)
        && profile[16..].StartsWith(colourChannels == 1 ? "GRAY"u8 : "RGB "u8);
}
