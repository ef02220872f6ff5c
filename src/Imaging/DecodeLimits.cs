namespace DenoiseService.Imaging;

/// <summary>What a picture may cost. Each limit is inclusive; all are checked from the header, before any pixel is decoded.</summary>
/// <param name="MaxBytes">Bytes of the file.</param>
/// <param name="MaxMegapixels">Width × height of one frame, in units of 10⁶ pixels.</param>
/// <param name="MaxFrames">Frames or pages in the file. If more than one is allowed, the first one is decoded.</param>
/// <param name="MaxSide">Pixels of the longer side.</param>
public sealed record DecodeLimits(long MaxBytes, double MaxMegapixels, int MaxFrames, int MaxSide)
{
    internal void CheckBytes(long bytes)
    {
        if (bytes > MaxBytes)
        {
            throw new ImageTooLargeException("bytes", MaxBytes, bytes);
        }
    }

    /// <summary>Width and height may come straight from a hostile header: they are 64 bits wide here so that no product overflows.</summary>
    internal void CheckSize(long width, long height)
    {
        if (width <= 0 || height <= 0)
        {
            throw new CorruptImageException("The picture has no pixels: its width or height is 0.");
        }

        if (Math.Max(width, height) > MaxSide)
        {
            throw new ImageTooLargeException("side", MaxSide, Math.Max(width, height));
        }

        // The last term is what one array of float planes can hold, whatever was configured.
        double allowed = Math.Min(MaxMegapixels, Array.MaxLength / 3 / 1e6);
        double megapixels = width * (double)height / 1e6;
        if (megapixels > allowed)
        {
            throw new ImageTooLargeException("megapixels", allowed, megapixels);
        }
    }

    internal void CheckFrames(long frames)
    {
        if (frames > MaxFrames)
        {
            throw new ImageTooLargeException("frames", MaxFrames, frames);
        }
    }
}
