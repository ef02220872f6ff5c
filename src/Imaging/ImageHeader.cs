namespace DenoiseService.Imaging;

/// <summary>What is known of a picture before any pixel is decoded.</summary>
/// <param name="Format">The format, by content.</param>
/// <param name="Width">Pixels across, after the orientation is applied.</param>
/// <param name="Height">Pixels down, after the orientation is applied.</param>
/// <param name="ColourChannels">1 for grey, 3 for colour; CMYK and LAB are converted and count as 3.</param>
/// <param name="HasAlpha">Whether there is an alpha channel beside the colour.</param>
/// <param name="BitDepth">8, or 16 if a sample has more than 8 bits.</param>
/// <param name="Frames">Frames or pages in the file; the first is the one decoded.</param>
/// <param name="HasIccProfile">Whether there is a colour profile that will be kept (one that contradicts the pixels is not).</param>
public sealed record ImageHeader(
    ImageFormat Format, int Width, int Height, int ColourChannels, bool HasAlpha, int BitDepth, int Frames, bool HasIccProfile)
{
    /// <summary>Whether the file keeps its pixels exactly: always for PNG, TIFF and BMP, by its coding for WebP.</summary>
    public bool IsLossless { get; init; }

    /// <summary>Width × height in units of 10⁶ pixels.</summary>
    public double Megapixels => Width * (double)Height / 1e6;
}
