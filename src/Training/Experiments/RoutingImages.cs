using System.Runtime.InteropServices;
using System.Security.Cryptography;
using DenoiseService.Imaging;
using DenoiseService.Training.Data;

namespace DenoiseService.Training.Experiments;

/// <summary>One clean picture of a study.</summary>
/// <param name="Index">Record or place in the list; decides its noise, as in an evaluation.</param>
/// <param name="Name">For people.</param>
/// <param name="Clean">Planar (C, H, W) in [0, 1], C = 1 or 3.</param>
/// <param name="Height">H.</param>
/// <param name="Width">W.</param>
internal sealed record RoutingImage(int Index, string Name, float[] Clean, int Height, int Width)
{
    public Picture ToPicture(float[] samples) => new(samples, samples.Length / (Height * Width), Height, Width);
}

/// <summary>The pictures that a study looks at, read one by one.</summary>
internal sealed class RoutingImages : IDisposable
{
    private readonly Func<int, RoutingImage> _read;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    private RoutingImages(int count, int group, string description, Func<int, RoutingImage> read) => (Count, Group, Description, _read) = (count, group, description, read);

    public int Count { get; }

    /// <summary>How many go through the network together: small images fill a batch only in company.</summary>
    public int Group { get; }

    /// <summary>Which they are, without paths.</summary>
    public string Description { get; }

    /// <summary>Of the samples read until now, as bytes where they have 8 bits (as a CIFAR set's own), else as floats.</summary>
    public string Sha256() => Convert.ToHexStringLower(_hash.GetCurrentHash());

    public void Dispose() => _hash.Dispose();

    /// <summary>Reads one; call in order, once each.</summary>
    public RoutingImage Read(int i)
    {
        RoutingImage image = _read(i);
        byte[] bytes = image.Clean.Select(s => (byte)MathF.Round(s * 255)).ToArray();
        bool whole = bytes.Zip(image.Clean).All(pair => Math.Abs(pair.First / 255f - pair.Second) < 1e-6f);
        _hash.AppendData(whole ? bytes : MemoryMarshal.AsBytes(image.Clean.AsSpan()));
        return image;
    }

    /// <summary>A CIFAR-10 folder, or any number of picture files and folders of them.</summary>
    /// <exception cref="DataSetException">Nothing there, or the range is beyond the end.</exception>
    public static RoutingImages Open(IReadOnlyList<string> data, IndexRange? range)
    {
        if (data is [var folder] && CifarArchive.IsIn(folder))
        {
            PatchSet set = CifarArchive.Read(folder, range);
            int first = range?.First ?? 0;
            return new RoutingImages(set.Count, 64, $"CIFAR-10 records {first}-{first + set.Count - 1}", i => new RoutingImage(first + i, $"record {first + i}", set.Image(i), set.Side, set.Side));
        }

        string[] files = data.SelectMany(d => File.Exists(d) ? [d] : PhotographFolder.Files(d)).ToArray();
        IndexRange wanted = range ?? new IndexRange(0, files.Length - 1);
        if (files.Length == 0) throw new DataSetException("No pictures were given.");
        if (wanted.Last >= files.Length) throw new DataSetException($"The range {wanted} ends beyond the last of {files.Length} pictures (0-{files.Length - 1}).");
        string names = string.Join(", ", data.Select(d => Path.GetFileName(Path.TrimEndingDirectorySeparator(d))));
        return new RoutingImages(wanted.Count, 1, $"pictures {wanted} of {names}", i =>
        {
            string file = files[wanted.First + i];
            Picture picture = PhotographFolder.Read(file);
            return new RoutingImage(wanted.First + i, Path.GetFileNameWithoutExtension(file), picture.Samples, picture.Height, picture.Width);
        });
    }
}
