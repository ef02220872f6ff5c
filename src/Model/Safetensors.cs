using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using static TorchSharp.torch;

namespace DenoiseService.Model;

/// <summary>
/// The safetensors file format: eight bytes with the length of a JSON header (little-endian), the header (name → dtype, shape, byte range), the
/// bytes. Reading checks every length before it trusts it; writing goes to a temporary file that is flushed to disk and renamed, so that a file
/// under its own name is whole.
/// </summary>
public static class Safetensors
{
    private const int MaxHeaderBytes = 16 << 20;
    private const string MetadataKey = "__metadata__";

    /// <summary>Reads every tensor of a file into memory.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The tensors (float32, float64, int64 or uint8, on the CPU), the header's free text entries, and the file's sha256 in lower-case hex. Dispose the tensors.</returns>
    /// <exception cref="CheckpointException">The file is missing, truncated or not of this format; the message says what is wrong.</exception>
    public static SafetensorsFile Read(string path)
    {
        string name = Path.GetFileName(path);
        if (!File.Exists(path)) throw new CheckpointException($"{name} does not exist.");
        byte[] bytes = File.ReadAllBytes(path);
        return Parse(bytes, name);
    }

    /// <summary>Reads only the header's free text entries, not the tensors.</summary>
    /// <exception cref="CheckpointException">As <see cref="Read"/>.</exception>
    public static IReadOnlyDictionary<string, string> ReadMetadata(string path)
    {
        string name = Path.GetFileName(path);
        if (!File.Exists(path)) throw new CheckpointException($"{name} does not exist.");
        using FileStream file = File.OpenRead(path);
        byte[] first = new byte[8];
        byte[] header = new byte[HeaderLength(first.AsSpan(0, file.ReadAtLeast(first, 8, throwOnEndOfStream: false)), file.Length, name)];
        file.ReadExactly(header);
        var metadata = new Dictionary<string, string>();
        try
        {
            using JsonDocument read = JsonDocument.Parse(header);
            if (read.RootElement.TryGetProperty(MetadataKey, out JsonElement texts)) ReadTexts(texts, metadata);
            return metadata;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new CheckpointException($"{name} has a damaged header.", e);
        }
    }

    /// <summary>Reads a file that is already in memory; <paramref name="name"/> is for messages.</summary>
    /// <exception cref="CheckpointException">As <see cref="Read"/>.</exception>
    public static SafetensorsFile Parse(byte[] bytes, string name)
    {
        int headerLength = HeaderLength(bytes, bytes.Length, name);
        var tensors = new Dictionary<string, Tensor>();
        var metadata = new Dictionary<string, string>();
        try
        {
            int data = 8 + headerLength;
            var ranges = new List<(string Name, long From, long To)>();
            using JsonDocument header = JsonDocument.Parse(bytes.AsMemory(8, headerLength));
            foreach (JsonProperty entry in header.RootElement.EnumerateObject())
            {
                if (entry.NameEquals(MetadataKey))
                {
                    ReadTexts(entry.Value, metadata);
                    continue;
                }

                ranges.Add(ReadTensor(entry, bytes, data, name, tensors));
            }

            long end = 0;
            foreach ((string tensor, long from, long to) in ranges.OrderBy(r => r.From).ThenBy(r => r.To))
            {
                if (from != end) throw new CheckpointException($"{name}: tensor {tensor} starts at byte {from} of the data, where the tensor before it ends at {end}.");
                end = to;
            }

            if (data + end != bytes.Length) throw new CheckpointException($"{name} has {bytes.Length} bytes where its header announces {data + end}.");
            return new SafetensorsFile(tensors, metadata, Hash(bytes));
        }
        catch (Exception e)
        {
            foreach (Tensor tensor in tensors.Values) tensor.Dispose();
            if (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException) throw new CheckpointException($"{name} has a damaged header.", e);
            throw;
        }
    }

    /// <summary>Writes tensors under their names, in ordinal order, so that equal tensors give equal bytes.</summary>
    /// <returns>The file's sha256 in lower-case hex.</returns>
    public static string Write(string path, IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        byte[] bytes = ToBytes(tensors, metadata);
        AtomicFile.Write(path, bytes);
        return Hash(bytes);
    }

    /// <summary>The bytes that <see cref="Write"/> would write.</summary>
    public static byte[] ToBytes(IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        var header = new JsonObject();
        if (metadata is { Count: > 0 }) header[MetadataKey] = new JsonObject(metadata.Select(m => KeyValuePair.Create(m.Key, (JsonNode?)m.Value)));
        using var body = new MemoryStream();
        foreach ((string name, Tensor tensor) in tensors.OrderBy(t => t.Key, StringComparer.Ordinal))
        {
            using var scope = NewDisposeScope();
            Tensor plain = tensor.detach().cpu().contiguous();
            long from = body.Length;
            if (plain.numel() > 0) body.Write(plain.bytes);
            header[name] = new JsonObject
            {
                ["dtype"] = DtypeName(plain.dtype, name),
                ["shape"] = new JsonArray(plain.shape.Select(s => (JsonNode?)s).ToArray()),
                ["data_offsets"] = new JsonArray(from, body.Length),
            };
        }

        byte[] json = JsonSerializer.SerializeToUtf8Bytes(header);
        int padded = (json.Length + 7) / 8 * 8; // the format asks for aligned data; blanks fill up
        byte[] bytes = new byte[8 + padded + body.Length];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, (ulong)padded);
        json.CopyTo(bytes, 8);
        bytes.AsSpan(8 + json.Length, padded - json.Length).Fill((byte)' ');
        body.GetBuffer().AsSpan(0, (int)body.Length).CopyTo(bytes.AsSpan(8 + padded));
        return bytes;
    }

    /// <param name="start">Of the file.</param>
    /// <param name="length">Of the whole file.</param>
    /// <param name="name">For messages.</param>
    private static int HeaderLength(ReadOnlySpan<byte> start, long length, string name)
    {
        if (start.Length < 8) throw new CheckpointException($"{name} is truncated: {length} bytes, a safetensors file has at least 8.");
        ulong header = BinaryPrimitives.ReadUInt64LittleEndian(start);
        if (header > MaxHeaderBytes) throw new CheckpointException($"{name} is not a safetensors file: its header would have {header} bytes, the limit is {MaxHeaderBytes}.");
        return (ulong)length >= 8 + header ? (int)header : throw new CheckpointException($"{name} is truncated: {length} bytes, its header alone needs {8 + header}.");
    }

    private static void ReadTexts(JsonElement texts, Dictionary<string, string> metadata)
    {
        foreach (JsonProperty text in texts.EnumerateObject()) metadata[text.Name] = text.Value.GetString() ?? "";
    }

    private static (string Name, long From, long To) ReadTensor(JsonProperty entry, byte[] bytes, int data, string file, Dictionary<string, Tensor> tensors)
    {
        (ScalarType dtype, int size) = Dtype(entry.Value.GetProperty("dtype").GetString(), entry.Name, file);
        long[] shape = entry.Value.GetProperty("shape").EnumerateArray().Select(s => s.GetInt64()).ToArray();
        long[] offsets = entry.Value.GetProperty("data_offsets").EnumerateArray().Select(s => s.GetInt64()).ToArray();
        if (offsets.Length != 2) throw new FormatException("data_offsets are two numbers.");
        (long from, long to) = (offsets[0], offsets[1]);
        long expected = size, span = size; // span: as if no side were 0, for libtorch multiplies those too
        foreach (long side in shape)
        {
            if (side < 0 || span > int.MaxValue / Math.Max(side, 1)) throw new CheckpointException($"{file}: tensor {entry.Name} has an impossible shape [{string.Join(", ", shape)}].");
            span *= Math.Max(side, 1);
            expected *= side;
        }

        if (from < 0 || to < from || to - from != expected) throw new CheckpointException($"{file}: tensor {entry.Name} takes {to - from} bytes, its shape [{string.Join(", ", shape)}] needs {expected}.");
        if (to > bytes.Length - data) throw new CheckpointException($"{file} is truncated: tensor {entry.Name} ends at byte {to} of the data, the data at {bytes.Length - data}.");
        Tensor tensor = empty(shape, dtype: dtype);
        if (!tensors.TryAdd(entry.Name, tensor))
        {
            tensor.Dispose();
            throw new CheckpointException($"{file}: tensor {entry.Name} stands twice in the header.");
        }

        if (expected > 0) bytes.AsSpan(data + (int)from, (int)expected).CopyTo(tensor.bytes);
        return (entry.Name, from, to);
    }

    private static (ScalarType Dtype, int Size) Dtype(string? name, string tensor, string file) => name switch
    {
        "F32" => (ScalarType.Float32, 4),
        "F64" => (ScalarType.Float64, 8),
        "I64" => (ScalarType.Int64, 8),
        "U8" => (ScalarType.Byte, 1),
        _ => throw new CheckpointException($"{file}: tensor {tensor} has dtype {name}; F32, F64, I64 and U8 are read."),
    };

    private static string DtypeName(ScalarType dtype, string tensor) => dtype switch
    {
        ScalarType.Float32 => "F32",
        ScalarType.Float64 => "F64",
        ScalarType.Int64 => "I64",
        ScalarType.Byte => "U8",
        _ => throw new ArgumentException($"Tensor {tensor} has dtype {dtype}; F32, F64, I64 and U8 are written."),
    };

    internal static string Hash(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
}

/// <summary>What a safetensors file holds. Owns its tensors.</summary>
public sealed record SafetensorsFile(IReadOnlyDictionary<string, Tensor> Tensors, IReadOnlyDictionary<string, string> Metadata, string Sha256) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor tensor in Tensors.Values) tensor.Dispose();
    }
}
