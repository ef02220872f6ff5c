using System.Globalization;

namespace DenoiseService.Imaging;

/// <summary>A picture that was refused. The message is fit for the client: it names no path of the server.</summary>
public abstract class ImagingException : Exception
{
    private protected ImagingException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}

/// <summary>The content is of a kind that is not read here (HTTP 415).</summary>
public sealed class UnsupportedImageException : ImagingException
{
    /// <summary>Makes the refusal.</summary>
    /// <param name="reason">What was met, as a sentence without its full stop.</param>
    /// <param name="inner">What the codec said, if it was asked.</param>
    public UnsupportedImageException(string reason, Exception? inner = null)
        : base($"{reason}. Accepted are {string.Join(", ", ImageFormats.AcceptedMediaTypes)}.", inner)
    {
    }

    /// <summary>The media types that are read.</summary>
    public IReadOnlyList<string> Accepted { get; } = ImageFormats.AcceptedMediaTypes;
}

/// <summary>The picture is above a limit (HTTP 413).</summary>
public sealed class ImageTooLargeException : ImagingException
{
    /// <summary>Makes the refusal.</summary>
    /// <param name="limit">"bytes", "megapixels", "frames" or "side".</param>
    /// <param name="allowed">The most that is allowed.</param>
    /// <param name="actual">What the file declares.</param>
    public ImageTooLargeException(string limit, double allowed, double actual)
        : base(string.Create(CultureInfo.InvariantCulture, $"The picture is too large: {limit} {actual:0.###}, allowed are {allowed:0.###}."))
    {
        Limit = limit;
        Allowed = allowed;
        Actual = actual;
    }

    /// <summary>Which limit: "bytes", "megapixels" (10⁶ pixels of one frame), "frames" or "side" (pixels of the longer side).</summary>
    public string Limit { get; }

    /// <summary>The most that is allowed, in the unit of <see cref="Limit"/>.</summary>
    public double Allowed { get; }

    /// <summary>What the file declares, in the unit of <see cref="Limit"/>.</summary>
    public double Actual { get; }
}

/// <summary>The file is of a known format but truncated, damaged or contradictory (HTTP 422).</summary>
public sealed class CorruptImageException : ImagingException
{
    /// <summary>Makes the refusal.</summary>
    /// <param name="reason">What is wrong, as a sentence.</param>
    /// <param name="inner">What the codec said, if it was asked.</param>
    public CorruptImageException(string reason, Exception? inner = null)
        : base(reason, inner)
    {
    }
}
