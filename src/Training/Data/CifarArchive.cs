using System.Text.Json.Serialization;

namespace DenoiseService.Training.Data;

/// <summary>
/// The CIFAR-10 binary archive, whole or in part: files of records of 1 label byte and 3,072 bytes (R, G, B planes of 32×32). Training batches
/// come first, in their order, then the test batch.
/// </summary>
public static class CifarArchive
{
    /// <summary>Side of an image in pixels.</summary>
    public const int Side = 32;

    private const int ImageBytes = 3 * Side * Side, RecordBytes = 1 + ImageBytes;

    /// <summary>True if the folder holds files of the archive.</summary>
    public static bool IsIn(string folder) => Files(folder).Length > 0;

    /// <summary>How many images the folder holds.</summary>
    /// <exception cref="DataSetException">No such files, or a file of a wrong length.</exception>
    public static int Count(string folder)
    {
        string[] files = Files(folder);
        if (files.Length == 0) throw new DataSetException($"{folder} has no CIFAR-10 files (data_batch_1.bin … data_batch_5.bin, test_batch.bin).");
        int total = 0;
        foreach (string file in files)
        {
            long length = new FileInfo(file).Length;
            if (length == 0 || length % RecordBytes != 0) throw new DataSetException($"{Path.GetFileName(file)} has {length} bytes, which is not a number of records of {RecordBytes}.");
            total += (int)(length / RecordBytes);
        }

        return total;
    }

    /// <summary>Reads a range of images.</summary>
    /// <param name="folder">With data_batch_1.bin … and test_batch.bin, or some of them.</param>
    /// <param name="range">Of record indices over all files; everything if null.</param>
    /// <exception cref="DataSetException">No such files, a file of a wrong length, or a range beyond the end.</exception>
    public static PatchSet Read(string folder, IndexRange? range = null)
    {
        int total = Count(folder);
        IndexRange wanted = range ?? new IndexRange(0, total - 1);
        if (wanted.Last >= total) throw new DataSetException($"The range {wanted} ends beyond the last of {total} images (0-{total - 1}).");
        var pixels = new byte[(long)wanted.Count * ImageBytes];
        int index = 0;
        foreach (string file in Files(folder))
        {
            byte[] records = File.ReadAllBytes(file);
            for (int r = 0; r < records.Length / RecordBytes; r++, index++)
            {
                if (index >= wanted.First && index <= wanted.Last) records.AsSpan(r * RecordBytes + 1, ImageBytes).CopyTo(pixels.AsSpan((index - wanted.First) * ImageBytes));
            }
        }

        return new PatchSet(pixels, Side);
    }

    private static string[] Files(string folder) => Directory.Exists(folder)
        ? [.. Directory.GetFiles(folder, "data_batch_*.bin").Order(StringComparer.Ordinal), .. Directory.GetFiles(folder, "test_batch.bin")]
        : [];
}

/// <summary>Indices from first to last, both included.</summary>
/// <param name="First">≥ 0.</param>
/// <param name="Last">≥ First.</param>
public readonly record struct IndexRange([property: JsonRequired] int First, [property: JsonRequired] int Last)
{
    /// <summary>Number of indices.</summary>
    [JsonIgnore]
    public int Count => Last - First + 1;

    /// <summary>Reads "3000-3999" or "17".</summary>
    /// <exception cref="FormatException">Another form.</exception>
    public static IndexRange Parse(string text)
    {
        string[] ends = text.Split('-');
        bool good = ends.Length is 1 or 2 && int.TryParse(ends[0], System.Globalization.NumberStyles.None, null, out _) && int.TryParse(ends[^1], System.Globalization.NumberStyles.None, null, out _);
        if (!good) throw new FormatException($"'{text}' is not a range like 3000-3999.");
        var range = new IndexRange(int.Parse(ends[0], System.Globalization.CultureInfo.InvariantCulture), int.Parse(ends[^1], System.Globalization.CultureInfo.InvariantCulture));
        return range.First <= range.Last ? range : throw new FormatException($"The range '{text}' ends before it starts.");
    }

    /// <inheritdoc/>
    public override string ToString() => $"{First}-{Last}";
}

/// <summary>A data set cannot be read; the message says which file and why.</summary>
public sealed class DataSetException(string message) : Exception(message);
