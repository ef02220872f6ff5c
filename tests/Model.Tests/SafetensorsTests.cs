using System.Buffers.Binary;
using System.Text;
using FsCheck.Xunit;
using static TorchSharp.torch;
using IOFile = System.IO.File;

namespace DenoiseService.Model.Tests;

public sealed class SafetensorsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Every_dtype_comes_back_bit_for_bit_with_shape_and_metadata()
    {
        using var scope = NewDisposeScope();
        var tensors = new Dictionary<string, Tensor>
        {
            ["floats"] = tensor(new[] { 1f, -0f, float.NaN, float.PositiveInfinity, float.Epsilon, 6 }, [2, 3]),
            ["doubles"] = tensor(new[] { Math.PI, double.Epsilon }),
            ["longs"] = tensor(new[] { long.MinValue, long.MaxValue, 0 }, [3, 1]),
            ["bytes"] = tensor(new byte[] { 0, 127, 255 }),
            ["scalar \"quoted\" ü"] = tensor(3f),
            ["empty"] = empty(0, 4),
        };
        string sha256 = Safetensors.Write(_folder["a.safetensors"], tensors, new Dictionary<string, string> { ["format"] = "pt", ["note"] = "é\n\"" });
        using SafetensorsFile read = Safetensors.Read(_folder["a.safetensors"]);
        Assert.Equal(sha256, read.Sha256);
        Assert.Equal(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(IOFile.ReadAllBytes(_folder["a.safetensors"]))), sha256);
        Assert.Equal("é\n\"", read.Metadata["note"]);
        Assert.Equal(read.Metadata, Safetensors.ReadMetadata(_folder["a.safetensors"]));
        Assert.Equal(tensors.Keys.Order(), read.Tensors.Keys.Order());
        foreach ((string name, Tensor tensor) in tensors)
        {
            Assert.Equal(tensor.shape, read.Tensors[name].shape);
            Assert.Equal(tensor.dtype, read.Tensors[name].dtype);
            if (tensor.numel() > 0) Assert.Equal(tensor.bytes.ToArray(), read.Tensors[name].bytes.ToArray());
        }
    }

    [Fact]
    public void Equal_tensors_give_equal_bytes_in_any_order_and_any_layout()
    {
        using var scope = NewDisposeScope();
        Tensor a = tensor(Numbers.Normals(12, 1), [3, 4]), b = tensor(new[] { 1f });
        byte[] first = Safetensors.ToBytes(new Dictionary<string, Tensor> { ["a"] = a, ["b"] = b });
        byte[] second = Safetensors.ToBytes(new Dictionary<string, Tensor> { ["b"] = b, ["a"] = a.t().contiguous().t() });
        Assert.Equal(first, second);
        Assert.Equal(0, BinaryPrimitives.ReadInt64LittleEndian(first) % 8);
        using SafetensorsFile read = Safetensors.Parse(first, "x");
        Assert.Equal(Networks.Read(a), Networks.Read(read.Tensors["a"]));
    }

    [Fact]
    public void The_header_alone_is_read_as_carefully()
    {
        string path = _folder["weights.safetensors"];
        foreach ((byte[] bytes, string says) in new[] { (Sample()[..5], "is truncated: 5 bytes"), (Sample()[..20], "is truncated: 20 bytes, its header alone needs"), (File("[]", 0), "damaged header"), (File("""{"__metadata__":{"a":1}}""", 0), "damaged header") })
        {
            IOFile.WriteAllBytes(path, bytes);
            string message = Assert.Throws<CheckpointException>(() => Safetensors.ReadMetadata(path)).Message;
            Assert.Contains("weights.safetensors", message, StringComparison.Ordinal);
            Assert.Contains(says, message, StringComparison.Ordinal);
        }

        IOFile.WriteAllBytes(path, File("{}", 0));
        Assert.Empty(Safetensors.ReadMetadata(path));
        Assert.Contains("none.safetensors does not exist", Assert.Throws<CheckpointException>(() => Safetensors.ReadMetadata(_folder["none.safetensors"])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_dtype_is_not_written()
    {
        using Tensor half = zeros(2, dtype: ScalarType.Float16);
        Assert.Contains("half", Assert.Throws<ArgumentException>(() => Safetensors.ToBytes(new Dictionary<string, Tensor> { ["half"] = half })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_cut_anywhere_is_refused_as_truncated_or_damaged()
    {
        byte[] whole = Sample();
        Safetensors.Parse(whole, "x").Dispose();
        for (int length = 0; length < whole.Length; length++)
        {
            string message = Assert.Throws<CheckpointException>(() => Safetensors.Parse(whole[..length], "weights.safetensors")).Message;
            Assert.Contains("weights.safetensors", message, StringComparison.Ordinal);
            Assert.Contains("is truncated", message, StringComparison.Ordinal);
        }

        Assert.Contains("where its header announces", Assert.Throws<CheckpointException>(() => Safetensors.Parse([.. whole, 0], "x")).Message, StringComparison.Ordinal);
    }

    public static TheoryData<string, int, string> Refused => new()
    {
        { "", 0, "damaged header" },
        { "not json", 0, "damaged header" },
        { "[]", 0, "damaged header" },
        { "null", 0, "damaged header" },
        { "{} {}", 0, "damaged header" },
        { """{"a":1}""", 0, "damaged header" },
        { """{"a":{}}""", 0, "damaged header" },
        { """{"a":{"dtype":"F32","shape":[1]}}""", 4, "damaged header" },
        { """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}""", 4, "damaged header" },
        { """{"a":{"dtype":"F32","shape":[1],"data_offsets":[]}}""", 4, "damaged header" },
        { """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}""", 4, "damaged header" },
        { """{"a":{"dtype":"F32","shape":[1],"data_offsets":4}}""", 4, "damaged header" },
        { """{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}""", 4, "damaged header" },
        { """{"a":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}}""", 4, "damaged header" },
        { """{"a":{"dtype":"F32","shape":1,"data_offsets":[0,4]}}""", 4, "damaged header" },
        { """{"a":{"dtype":7,"shape":[1],"data_offsets":[0,4]}}""", 4, "damaged header" },
        { """{"__metadata__":{"a":1}}""", 0, "damaged header" },
        { """{"__metadata__":"a"}""", 0, "damaged header" },
        { """{"\ud800":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, "damaged header" },
        { """{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}""", 4, "tensor a has dtype F16; F32, F64, I64 and U8 are read" },
        { """{"a":{"dtype":null,"shape":[1],"data_offsets":[0,4]}}""", 4, "tensor a has dtype" },
        { """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", 4, "tensor a takes 4 bytes, its shape [2] needs 8" },
        { """{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}""", 4, "tensor a takes -4 bytes" },
        { """{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}""", 4, "tensor a" },
        { """{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", 4, "tensor a has an impossible shape [-1]" },
        { """{"a":{"dtype":"F32","shape":[65536,65536],"data_offsets":[0,4]}}""", 4, "tensor a has an impossible shape [65536, 65536]" },
        { """{"a":{"dtype":"F32","shape":[9223372036854775807],"data_offsets":[0,4]}}""", 4, "tensor a has an impossible shape" },
        { """{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]}}""", 4, "damaged header" },
        { """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 4, "is truncated: tensor a ends at byte" },
        { """{"a":{"dtype":"F32","shape":[1],"data_offsets":[9223372036854775800,9223372036854775804]}}""", 4, "tensor a" },
        { """{"a":{"dtype":"F32","shape":[0],"data_offsets":[9223372036854775800,9223372036854775800]}}""", 0, "tensor a" },
        { """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "tensor a stands twice" },
        { """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", 12, "tensor b" },
        { """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, "tensor b" },
        { """{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "tensor a" },
        { """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 12, "where its header announces" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void A_wrong_header_is_refused_with_what_is_wrong(string header, int dataBytes, string expected)
    {
        string message = Assert.Throws<CheckpointException>(() => Safetensors.Parse(File(header, dataBytes), "weights.safetensors")).Message;
        Assert.Contains("weights.safetensors", message, StringComparison.Ordinal);
        Assert.Contains(expected, message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ulong.MaxValue)]
    [InlineData(long.MaxValue)]
    [InlineData(1UL << 31)]
    [InlineData(17UL << 20)]
    public void A_huge_header_length_is_refused_before_anything_is_read(ulong length)
    {
        byte[] bytes = new byte[64];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, length);
        Assert.Contains($"its header would have {length} bytes", Assert.Throws<CheckpointException>(() => Safetensors.Parse(bytes, "x")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_shape_of_nothing_times_much_is_read_or_refused()
    {
        byte[] bytes = File("""{"a":{"dtype":"F32","shape":[0,2147483647,2147483647,2147483647,2147483647],"data_offsets":[0,0]}}""", 0);
        Assert.True(Record.Exception(() => Safetensors.Parse(bytes, "x").Dispose()) is null or CheckpointException);
    }

    [Fact]
    public void A_missing_file_is_named_without_its_folder()
    {
        string message = Assert.Throws<CheckpointException>(() => Safetensors.Read(_folder["none.safetensors"])).Message;
        Assert.Equal("none.safetensors does not exist.", message);
    }

    [Property(MaxTest = 2000, Arbitrary = [typeof(Seeds)])]
    public void Flipped_bytes_are_read_or_refused_and_nothing_else(int seed)
    {
        var random = new Random(seed);
        for (int round = 0; round < 5; round++)
        {
            byte[] bytes = Sample();
            int header = 8 + (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
            int flips = random.Next(1, 9);
            for (int i = 0; i < flips; i++) bytes[random.Next(random.Next(4) == 0 ? bytes.Length : header)] = (byte)random.Next(256);
            AssertReadOrRefused(bytes);
        }
    }

    [Property(MaxTest = 2000, Arbitrary = [typeof(Seeds)])]
    public void Headers_with_exchanged_values_are_read_or_refused_and_nothing_else(int seed)
    {
        string[] values = ["-1", "0", "1", "4", "8", "1e3", "1.5", "9223372036854775807", "9223372036854775804", "-9223372036854775808", "2147483647", "null", "true", "[]", "{}", "\"F32\"", "\"\"", "[0]", "[0,0]", "[[0,4]]", "[4,8,12]"];
        var random = new Random(seed);
        byte[] bytes = Sample();
        int length = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        string header = Encoding.UTF8.GetString(bytes, 8, length);
        for (int i = random.Next(1, 4); i > 0; i--)
        {
            System.Text.RegularExpressions.MatchCollection tokens = System.Text.RegularExpressions.Regex.Matches(header, """-?\d+|"[^"]*"|\[[^\[\]]*\]|\{[^{}]*\}""");
            System.Text.RegularExpressions.Match token = tokens[random.Next(tokens.Count)];
            header = header[..token.Index] + values[random.Next(values.Length)] + header[(token.Index + token.Length)..];
        }

        AssertReadOrRefused(File(header, bytes.Length - 8 - length));
    }

    private static void AssertReadOrRefused(byte[] bytes)
    {
        try
        {
            using SafetensorsFile file = Safetensors.Parse(bytes, "x");
        }
        catch (CheckpointException e)
        {
            Assert.NotEmpty(e.Message);
        }
    }

    private static byte[] Sample()
    {
        using Tensor a = tensor(new[] { 1f, 2, 3, 4 }, [2, 2]), b = tensor(new[] { 5L }), c = tensor(new byte[] { 1, 2, 3, 4, 5, 6, 7, 8 });
        return Safetensors.ToBytes(new Dictionary<string, Tensor> { ["a"] = a, ["b"] = b, ["c"] = c }, new Dictionary<string, string> { ["format"] = "pt" });
    }

    private static byte[] File(string header, int dataBytes)
    {
        byte[] json = Encoding.UTF8.GetBytes(header), length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, json.Length);
        return [.. length, .. json, .. new byte[dataBytes]];
    }
}
