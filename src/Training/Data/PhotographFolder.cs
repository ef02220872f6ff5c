using DenoiseService.Imaging;

namespace DenoiseService.Training.Data;

/// <summary>A folder of pictures, searched with its subfolders in ordinal order.</summary>
public static class PhotographFolder
{
    /// <summary>What one picture may cost.</summary>
    public static readonly DecodeLimits Limits = new(MaxBytes: 1L << 30, MaxMegapixels: 400, MaxFrames: 1, MaxSide: 65500);

    /// <summary>The picture files of a folder.</summary>
    /// <param name="folder">Searched with its subfolders.</param>
    /// <param name="range">Which of them, from 0 on; null: all.</param>
    /// <exception cref="DataSetException">No folder, no picture in it, or fewer than the range asks for.</exception>
    public static IReadOnlyList<string> Files(string folder, IndexRange? range = null)
    {
        if (!Directory.Exists(folder)) throw new DataSetException($"There is no folder {folder}.");
        string[] files = Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Where(f => ImageFormats.TryParse(Path.GetExtension(f).TrimStart('.'), out _)).Order(StringComparer.Ordinal).ToArray();
        if (files.Length == 0) throw new DataSetException($"{folder} has no pictures.");
        if (range is not { } some) return files;
        if (some.Last >= files.Length) throw new DataSetException($"The range {some} ends beyond the last of {files.Length} pictures (0-{files.Length - 1}).");
        return files[some.First..(some.Last + 1)];
    }

    /// <summary>Decodes one picture to RGB; grey is repeated.</summary>
    public static (float[] Samples, int Height, int Width) ReadColour(string file)
    {
        Picture picture = Read(file);
        float[] samples = picture.Channels == 3 ? picture.Samples : [.. picture.Samples, .. picture.Samples, .. picture.Samples];
        return (samples, picture.Height, picture.Width);
    }

    /// <summary>Decodes one picture as it is.</summary>
    /// <exception cref="DataSetException">The file cannot be read, is damaged or not a picture; names it.</exception>
    public static Picture Read(string file) => Read(file, bytes => ImageCodec.Decode(bytes, Limits));

    /// <summary>Cuts random squares out of all pictures, in proportion to their area.</summary>
    /// <param name="folder">Of pictures.</param>
    /// <param name="side">Of a square in pixels; smaller pictures are left out.</param>
    /// <param name="count">How many squares in all.</param>
    /// <param name="seed">Same seed, same squares.</param>
    /// <param name="shrink">Factor by which every picture is shrunk first.</param>
    /// <param name="range">Of which pictures; null: of all.</param>
    /// <param name="cancellationToken">Looked at between pictures.</param>
    public static PatchSet Cut(string folder, int side, int count, long seed, int shrink = 1, IndexRange? range = null, CancellationToken cancellationToken = default)
    {
        IReadOnlyList<string> files = Files(folder, range);
        var sizes = files.Select(f => Read(f, bytes => ImageCodec.ReadHeader(bytes, Limits))).Select(h => h.Width / shrink < side || h.Height / shrink < side ? 0 : (double)h.Width * h.Height).ToArray();
        double total = sizes.Sum();
        if (total == 0) throw new DataSetException($"{folder} has no picture of at least {side * shrink} × {side * shrink} pixels.");
        var pixels = PatchSet.Allocate(count, side);
        int done = 0;
        double covered = 0;
        for (int f = 0; f < files.Count; f++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            covered += sizes[f];
            int until = (int)Math.Round(count * covered / total);
            if (until == done) continue;
            (float[] samples, int height, int width) = Shrunk(ReadColour(files[f]), shrink);
            var random = new Random((int)Seeds.Derive(seed, f, side));
            for (; done < until; done++) CopySquare(samples, height, width, random.Next(height - side + 1), random.Next(width - side + 1), side, pixels.AsSpan(done * 3 * side * side, 3 * side * side));
        }

        return new PatchSet(pixels, side);
    }

    /// <summary>Each pixel the mean of a square; what is left over at the right and the bottom is dropped.</summary>
    internal static (float[] Samples, int Height, int Width) Shrunk((float[] Samples, int Height, int Width) picture, int factor)
    {
        if (factor == 1) return picture;
        (int height, int width) = (picture.Height / factor, picture.Width / factor);
        var samples = new float[3 * height * width];
        for (int row = 0; row < 3 * height; row++)
        {
            for (int dy = 0; dy < factor; dy++)
            {
                ReadOnlySpan<float> source = picture.Samples.AsSpan((row / height * picture.Height + row % height * factor + dy) * picture.Width, picture.Width);
                for (int x = 0; x < width * factor; x++) samples[row * width + x / factor] += source[x];
            }
        }

        for (int i = 0; i < samples.Length; i++) samples[i] /= factor * factor;
        return (samples, height, width);
    }

    private static T Read<T>(string file, Func<byte[], T> read)
    {
        try
        {
            return read(File.ReadAllBytes(file));
        }
        catch (Exception e) when (e is ImagingException or IOException or UnauthorizedAccessException)
        {
            throw new DataSetException($"{file}: {e.Message}");
        }
    }

    private static void CopySquare(float[] samples, int height, int width, int top, int left, int side, Span<byte> target)
    {
        for (int c = 0; c < 3; c++)
        {
            for (int y = 0; y < side; y++)
            {
                ReadOnlySpan<float> row = samples.AsSpan((c * height + top + y) * width + left, side);
                for (int x = 0; x < side; x++) target[(c * side + y) * side + x] = (byte)MathF.Round(row[x] * 255);
            }
        }
    }
}
