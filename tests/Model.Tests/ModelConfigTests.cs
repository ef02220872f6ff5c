using System.Text.Json;

namespace DenoiseService.Model.Tests;

public sealed class ModelConfigTests
{
    public static TheoryData<string, string> Wrong => new()
    {
        { """{"Width":0}""", "Width is 0; it must be 1 to 4096." },
        { """{"Width":5000}""", "Width is 5000; it must be 1 to 4096." },
        { """{"Heads":0}""", "Heads is 0; it must be a divisor of Width (128)." },
        { """{"Heads":3}""", "Heads is 3; it must be a divisor of Width (128)." },
        { """{"Blocks":65}""", "Blocks is 65; it must be 1 to 64." },
        { """{"PatchSide":0}""", "PatchSide is 0; it must be 1 to 64." },
        { """{"TileSide":30}""", "TileSide is 30; it must be a multiple of PatchSide (4) up to 1024." },
        { """{"TileSide":0}""", "TileSide is 0; it must be a multiple of PatchSide (4) up to 1024." },
        { """{"FeedForwardWidth":-1}""", "FeedForwardWidth is -1; it must be 1 to 65536." },
        { """{"RouterWidth":0}""", "RouterWidth is 0; it must be 1 to 65536." },
        { """{"KeysKept":[]}""", "KeysKept is []; it must be 1 to 64 experts of at least 1 key each." },
        { """{"KeysKept":[4,0]}""", "KeysKept is [4, 0]; it must be 1 to 64 experts of at least 1 key each." },
        { """{"KeysKept":null}""", "KeysKept is []; it must be 1 to 64 experts of at least 1 key each." },
        { """{"Attention":7}""", "Attention is 7; it must be " + string.Join(", ", Enum.GetNames<AttentionKind>()) + "." },
        { """{"StemPairs":0}""", "StemPairs is 0; it must be 1 to 64." },
        { """{"UnshuffledStem":true,"StemWidth":8}""", "StemWidth is 8; it must be 0 with UnshuffledStem, which has no channels at full resolution." },
        { """{"UnshuffledStem":true,"PatchSide":2}""", "PatchSide is 2; it must be 4 with a convolutional encoder, which halves the resolution twice." },
        { """{"RouterActivation":7}""", "RouterActivation is 7; it must be Gelu, Relu." },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void A_value_out_of_range_is_named_with_its_range(string json, string message)
    {
        ModelConfig config = JsonSerializer.Deserialize<ModelConfig>(json)!;
        Assert.Equal(message, Assert.Throws<ModelConfigException>(config.Validated).Message);
    }

    [Fact]
    public void Keys_attended_are_capped_at_the_tokens()
    {
        Assert.Equal([32, 64, 64], new ModelConfig().KeysAttended);
        Assert.Equal([32, 64, 128], new ModelConfig { TileSide = 64 }.KeysAttended);
        Assert.Equal([64], new ModelConfig { Attention = AttentionKind.Standard }.KeysAttended);
        Assert.Equal(64, new ModelConfig().Tokens);
        Assert.Equal(1, new ModelConfig { Attention = AttentionKind.Standard }.Experts);
        Assert.Equal(3, new ModelConfig { Attention = AttentionKind.NonAdaptiveSparse }.Experts);
    }

    [Fact]
    public void Json_keeps_every_field_and_nothing_derived()
    {
        ModelConfig config = Networks.Odd with { Attention = AttentionKind.NonAdaptiveSparse, RouterActivation = RouterActivation.Relu, Residual = true };
        string json = JsonSerializer.Serialize(config);
        Assert.Equal(json, JsonSerializer.Serialize(JsonSerializer.Deserialize<ModelConfig>(json)));
        Assert.Contains("\"NonAdaptiveSparse\"", json, StringComparison.Ordinal);
        string[] settable = typeof(ModelConfig).GetProperties().Where(p => p.SetMethod is { IsStatic: false }).Select(p => p.Name).ToArray();
        Assert.Equal(settable.Order(), JsonDocument.Parse(json).RootElement.EnumerateObject().Select(p => p.Name).Order());
    }

    [Fact]
    public void What_one_tile_takes_is_known_before_it_runs()
    {
        Denoiser.CheckMemory(new ModelConfig());
        Denoiser.CheckMemory(ModelConfig.Photographs);
        // Every token sees every other: 65,536² scores a head.
        string message = Assert.Throws<ModelConfigException>(() => Denoiser.CheckMemory(new ModelConfig { PatchSide = 1, TileSide = 256, Width = 4, Heads = 1 })).Message;
        Assert.Contains("bytes of memory", message, StringComparison.Ordinal);
    }
}
