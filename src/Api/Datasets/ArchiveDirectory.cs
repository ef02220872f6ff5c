using System.Buffers.Binary;
using DenoiseService.Api.Errors;

namespace DenoiseService.Api.Datasets;

/// <summary>
/// The list of a hostile zip's entries, before it is read into memory: it has to be short. What the end record says of its length is not believed; the entries can only stand between the start
/// of the list and that record. Count and start are read where the framework reads them.
/// </summary>
internal static class ArchiveDirectory
{
    private const int MaxNameBytes = 1024, EndLength = 22, LocatorLength = 20, RecordLength = 56;
    private const uint LocatorSignature = 0x07064b50, RecordSignature = 0x06064b50;

    /// <exception cref="ApiException">413 above a limit; 422 for no zip.</exception>
    public static void Check(FileStream source, int maxFiles)
    {
        long from = Math.Max(0, source.Length - EndLength - ushort.MaxValue);
        byte[] tail = Part(source, from, (int)(source.Length - from));
        int at = tail.AsSpan(0, Math.Max(0, tail.Length - EndLength + sizeof(uint))).LastIndexOf("PK\u0005\u0006"u8);
        if (at < 0) throw ArchiveReader.NoZip();
        ReadOnlySpan<byte> end = tail.AsSpan(at, EndLength);
        (ulong entries, ulong start) = (BinaryPrimitives.ReadUInt16LittleEndian(end[10..]), BinaryPrimitives.ReadUInt32LittleEndian(end[16..]));
        bool overflown = BinaryPrimitives.ReadUInt16LittleEndian(end[4..]) == ushort.MaxValue || entries == ushort.MaxValue || start == uint.MaxValue;
        if (overflown && Zip64(source, from + at) is { } larger) (entries, start) = larger;
        if (entries > (ulong)maxFiles) throw ArchiveReader.Above("files", maxFiles, entries);
        if (start > (ulong)(from + at)) throw ArchiveReader.NoZip();
        long most = (long)maxFiles * MaxNameBytes, length = from + at - (long)start;
        if (length > most) throw ArchiveReader.Above("directoryBytes", most, length);
    }

    /// <summary>What the zip64 record in front of the end record says; null if there is none, and the end record's own numbers hold.</summary>
    private static (ulong Entries, ulong Start)? Zip64(FileStream source, long end)
    {
        if (end < LocatorLength) return null;
        byte[] locator = Part(source, end - LocatorLength, LocatorLength);
        if (BinaryPrimitives.ReadUInt32LittleEndian(locator) != LocatorSignature) return null;
        ulong at = BinaryPrimitives.ReadUInt64LittleEndian(locator.AsSpan(8));
        long last = end - LocatorLength - RecordLength;
        if (last < 0 || at > (ulong)last) throw ArchiveReader.NoZip();
        byte[] record = Part(source, (long)at, RecordLength);
        ulong entries = BinaryPrimitives.ReadUInt64LittleEndian(record.AsSpan(32));
        // Parts of an archive in several files have two counts.
        if (BinaryPrimitives.ReadUInt32LittleEndian(record) != RecordSignature || BinaryPrimitives.ReadUInt64LittleEndian(record.AsSpan(24)) != entries) throw ArchiveReader.NoZip();
        return (entries, BinaryPrimitives.ReadUInt64LittleEndian(record.AsSpan(48)));
    }

    private static byte[] Part(FileStream source, long from, int length)
    {
        byte[] part = new byte[length];
        source.Position = from;
        source.ReadExactly(part);
        return part;
    }
}
