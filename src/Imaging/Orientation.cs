namespace DenoiseService.Imaging;

/// <summary>
/// The EXIF orientation (1 to 8) as a map from the stored pixel (x, y) to the place in the upright picture. All eight are affine in x
/// and y, so that a decoder can put every sample where it belongs while it reads, without a second copy of the picture.
/// </summary>
internal readonly record struct Orientation
{
    /// <summary>The map for a stored picture.</summary>
    /// <param name="value">EXIF value; anything outside 1 to 8 means upright, as viewers take it.</param>
    /// <param name="width">Stored width.</param>
    /// <param name="height">Stored height.</param>
    public Orientation(int value, int width, int height)
    {
        IsTransposed = value is >= 5 and <= 8;
        Width = IsTransposed ? height : width;
        Height = IsTransposed ? width : height;
        (Origin, StepX, StepY) = value switch
        {
            2 => (width - 1, -1, Width),
            3 => (((height - 1) * Width) + width - 1, -1, -Width),
            4 => ((height - 1) * Width, 1, -Width),
            5 => (0, Width, 1),
            6 => (height - 1, Width, -1),
            7 => (height - 1 + ((width - 1) * Width), -Width, -1),
            8 => ((width - 1) * Width, -Width, 1),
            _ => (0, 1, Width),
        };
    }

    /// <summary>Whether rows become columns.</summary>
    public bool IsTransposed { get; }

    /// <summary>Width of the upright picture.</summary>
    public int Width { get; }

    /// <summary>Height of the upright picture.</summary>
    public int Height { get; }

    /// <summary>Place of the stored pixel (0, 0).</summary>
    public int Origin { get; }

    /// <summary>How far one stored pixel to the right moves in the upright picture.</summary>
    public int StepX { get; }

    /// <summary>How far one stored pixel down moves in the upright picture.</summary>
    public int StepY { get; }
}
