using System.Runtime.InteropServices;

namespace DenoiseService.Imaging;

/// <summary>
/// A decoded, upright picture, ready for the network. The colour lies in <see cref="Samples"/>, which the denoiser overwrites in place;
/// all else that is needed to write the picture again (alpha, profile, depth, resolution) is kept beside it.
/// Reading and writing different pictures is thread safe; one picture belongs to one user at a time.
/// </summary>
public sealed class Picture
{
    // Where alpha is 0 the original colour must survive the denoiser: these are the samples found there, pixel after pixel. 16 bits hold
    // them exactly, for v / 255 and 257 v / 65535 are the same float. Empty for pictures without such pixels.
    private readonly ushort[] _hiddenColour;

    /// <summary>Wraps samples that did not come from a file, such as a figure: without alpha and profile.</summary>
    /// <param name="samples">Planar float32 in [0, 1], (channels, height, width), not copied.</param>
    /// <param name="channels">1 (grey) or 3 (RGB).</param>
    /// <param name="height">Rows, at least 1.</param>
    /// <param name="width">Columns, at least 1.</param>
    /// <param name="bitDepth">8 or 16: what is written to formats that have both.</param>
    /// <exception cref="ArgumentException">The shape does not fit the samples, or a number is out of range.</exception>
    public Picture(float[] samples, int channels, int height, int width, int bitDepth = 8)
        : this(samples, channels, height, width, bitDepth, null)
    {
    }

    internal Picture(float[] samples, int channels, int height, int width, int bitDepth, byte[]? alpha)
    {
        ArgumentNullException.ThrowIfNull(samples);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        if (channels is not (1 or 3) || bitDepth is not (8 or 16) || samples.LongLength != (long)channels * height * width)
        {
            throw new ArgumentException(
                $"{samples.Length} samples of {bitDepth} bits do not make {channels} × {height} × {width}; channels are 1 or 3, bits 8 or 16.", nameof(samples));
        }

        Samples = samples;
        Channels = channels;
        Height = height;
        Width = width;
        BitDepth = bitDepth;
        Alpha = alpha;
        _hiddenColour = CopyHiddenColour();
    }

    /// <summary>Colour: planar float32 in [0, 1], (channels, height, width); grey or R, G, B. Overwrite it in place.</summary>
    public float[] Samples { get; }

    /// <summary>1 (grey) or 3 (RGB).</summary>
    public int Channels { get; }

    /// <summary>Rows of the upright picture.</summary>
    public int Height { get; }

    /// <summary>Columns of the upright picture.</summary>
    public int Width { get; }

    /// <summary>Bits of a sample in the source: 8, or 16 if it had more than 8.</summary>
    public int BitDepth { get; }

    /// <summary>Whether there is an alpha channel.</summary>
    public bool HasAlpha => Alpha is not null;

    /// <summary>The format the picture was read from; PNG for one that was made here.</summary>
    public ImageFormat SourceFormat { get; init; } = ImageFormat.Png;

    /// <summary>Whether the source had every sample exactly (a lossless WebP, say).</summary>
    public bool IsSourceLossless { get; init; } = true;

    /// <summary>The colour profile as it stood in the file, byte for byte; empty if there was none.</summary>
    public ReadOnlyMemory<byte> IccProfile { get; init; }

    /// <summary>Pixels per millimetre across, after orientation; 0 if unknown.</summary>
    public double ResolutionX { get; init; }

    /// <summary>Pixels per millimetre down, after orientation; 0 if unknown.</summary>
    public double ResolutionY { get; init; }

    /// <summary>Alpha as it stood in the file, one sample a pixel, row by row: bytes, or 16 bits in the machine's own order.</summary>
    internal byte[]? Alpha { get; }

    /// <summary>
    /// Puts the original colour back where alpha is 0. <see cref="ImageCodec.Encode"/> calls it, so that pixels nobody sees stay
    /// bit for bit as they were whatever the denoiser wrote there.
    /// </summary>
    internal void RestoreHiddenColour()
    {
        int plane = Height * Width;
        int next = 0;
        for (int at = 0; next < _hiddenColour.Length; at++)
        {
            if (IsHidden(at))
            {
                for (int c = 0; c < Channels; c++)
                {
                    Samples[(c * plane) + at] = _hiddenColour[next++] / 65535f;
                }
            }
        }
    }

    private ushort[] CopyHiddenColour()
    {
        if (Alpha is null)
        {
            return [];
        }

        int count = BitDepth == 16
            ? MemoryMarshal.Cast<byte, ushort>(Alpha).Count((ushort)0)
            : Alpha.AsSpan().Count((byte)0);
        ushort[] hidden = new ushort[(long)count * Channels];
        int plane = Height * Width;
        int next = 0;
        for (int at = 0; next < hidden.Length; at++)
        {
            if (IsHidden(at))
            {
                for (int c = 0; c < Channels; c++)
                {
                    hidden[next++] = (ushort)MathF.Round(Samples[(c * plane) + at] * 65535f);
                }
            }
        }

        return hidden;
    }

    private bool IsHidden(int at) =>
        BitDepth == 16 ? (Alpha![2 * at] | Alpha[(2 * at) + 1]) == 0 : Alpha![at] == 0;
}
