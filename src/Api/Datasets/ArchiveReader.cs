using System.IO.Compression;
using System.Security.Cryptography;
using DenoiseService.Api.Errors;
using DenoiseService.Imaging;

namespace DenoiseService.Api.Datasets;

/// <summary>What an archive held.</summary>
/// <param name="Pictures">Good ones, each once.</param>
/// <param name="Bytes">Of them.</param>
/// <param name="Sha256">Over their checksums, in their order.</param>
/// <param name="Files">What became of every file.</param>
internal sealed record ArchiveContent(int Pictures, long Bytes, string Sha256, IReadOnlyList<FileReport> Files);

/// <summary>Reads a hostile zip and copies its good pictures into a plain one. What entries say of their size is not believed: what comes out of them is counted.</summary>
internal sealed class ArchiveReader(DatasetsOptions limits, DecodeLimits picture)
{
    private const int MaxName = 200; // characters that a report shows
    private static readonly DateTimeOffset Stamp = new(2020, 1, 1, 0, 0, 0, TimeSpan.Zero); // equal pictures make equal archives

    private long _unpacked;
    private double _megapixels;

    /// <exception cref="ApiException">413 above a limit; 422 for no zip, a name that leads out of it, or no good picture at all.</exception>
    public ArchiveContent Copy(FileStream source, FileStream target, CancellationToken cancellationToken)
    {
        ArchiveDirectory.Check(source, limits.MaxFiles);
        var files = new List<FileReport>();
        var known = new Dictionary<string, string>(StringComparer.Ordinal);
        using var sum = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        long bytes = 0;
        try
        {
            using var read = new ZipArchive(source, ZipArchiveMode.Read, leaveOpen: true);
            using var written = new ZipArchive(target, ZipArchiveMode.Create, leaveOpen: true);
            ZipArchiveEntry[] entries = [.. read.Entries.Where(e => !e.FullName.EndsWith('/')).OrderBy(e => e.FullName, StringComparer.Ordinal)];
            if (Array.Find(entries, e => LeadsOut(e.FullName)) is { } escape) throw new ApiException(ProblemKind.InvalidArchive, "A file's name leads out of the archive.") { Parameter = "file", Actual = Excerpt.Of(escape.FullName, MaxName) };
            foreach (ZipArchiveEntry entry in entries)
            {
                cancellationToken.ThrowIfCancellationRequested();
                string name = Excerpt.Of(entry.FullName, MaxName);
                if (IsJunk(entry))
                {
                    files.Add(new FileReport(name, "skipped", "Not a picture by its name."));
                    continue;
                }

                (byte[]? content, string? reason) = Good(entry, cancellationToken);
                if (content is null)
                {
                    files.Add(new FileReport(name, "refused", reason));
                    continue;
                }

                byte[] hash = SHA256.HashData(content);
                if (!known.TryAdd(Convert.ToHexStringLower(hash), name))
                {
                    files.Add(new FileReport(name, "duplicate", $"The same as {known[Convert.ToHexStringLower(hash)]}."));
                    continue;
                }

                ZipArchiveEntry copy = written.CreateEntry(FormattableString.Invariant($"{known.Count:D6}{ImageFormats.Extension(ImageFormats.Recognise(content)!.Value)}"), CompressionLevel.NoCompression);
                copy.LastWriteTime = Stamp;
                using (Stream stream = copy.Open()) stream.Write(content);
                sum.AppendData(hash);
                bytes += content.Length;
                files.Add(new FileReport(name, "stored"));
            }
        }
        catch (InvalidDataException)
        {
            throw NoZip();
        }

        if (known.Count == 0)
        {
            string first = files.Where(f => f.Status == "refused").Select(f => $" {f.File}: {f.Reason}").FirstOrDefault("");
            throw new ApiException(ProblemKind.InvalidArchive, $"The archive has no usable picture.{first}") { Parameter = "file" };
        }

        return new ArchiveContent(known.Count, bytes, Convert.ToHexStringLower(sum.GetHashAndReset()), files);
    }

    /// <summary>The content, if it is a picture that decodes; else why not.</summary>
    private (byte[]? Content, string? Reason) Good(ZipArchiveEntry entry, CancellationToken cancellationToken)
    {
        try
        {
            byte[] content = Unpack(entry);
            ImageHeader header = ImageCodec.ReadHeader(content, picture);
            _megapixels += header.Megapixels;
            if (_megapixels > limits.MaxMegapixels) throw Above("megapixels", limits.MaxMegapixels, Math.Round(_megapixels, 3));
            ImageCodec.Decode(content, picture, cancellationToken); // also the end has to be good: a job must not fail hours later
            return (content, null);
        }
        catch (Exception e) when (e is ImagingException or InvalidDataException)
        {
            return (null, e is ImagingException ? e.Message : "Damaged in the archive.");
        }
    }

    private byte[] Unpack(ZipArchiveEntry entry)
    {
        using Stream stream = entry.Open();
        using var buffer = new MemoryStream();
        byte[] chunk = new byte[64 << 10];
        for (int read; (read = stream.Read(chunk)) > 0;)
        {
            _unpacked += read;
            if (_unpacked > limits.MaxUnpackedBytes) throw Above("unpackedBytes", limits.MaxUnpackedBytes, _unpacked);
            if (buffer.Length + read > picture.MaxBytes) throw new ImageTooLargeException("bytes", picture.MaxBytes, buffer.Length + read);
            buffer.Write(chunk, 0, read);
        }

        return buffer.ToArray();
    }

    private static bool LeadsOut(string name) => name.Contains('\\', StringComparison.Ordinal) || name.StartsWith('/') || name.Contains(':', StringComparison.Ordinal) || name.Contains('\0', StringComparison.Ordinal) || name.Split('/').Contains("..");

    private static bool IsJunk(ZipArchiveEntry entry) => entry.FullName.StartsWith("__MACOSX/", StringComparison.Ordinal) || entry.Name.StartsWith('.') || entry.Name is "Thumbs.db";

    /// <summary>413: which limit, what is allowed, what came.</summary>
    internal static ApiException Above(string limit, object allowed, object actual) => new(ProblemKind.TooLarge, FormattableString.Invariant($"The archive is above a limit: {limit} {actual}, allowed are {allowed}.")) { Parameter = limit, Limit = allowed, Actual = actual };

    /// <summary>422: damaged, or never one.</summary>
    internal static ApiException NoZip() => new(ProblemKind.InvalidArchive, "The body is not a readable zip archive.");
}
