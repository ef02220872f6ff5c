using System.Text.Json.Serialization;

namespace DenoiseService.Model;

/// <summary>How the tokens of a block look at each other (§1 of the report and its ablation).</summary>
[JsonConverter(typeof(JsonStringEnumConverter<AttentionKind>))]
public enum AttentionKind
{
    /// <summary>A router mixes experts that differ in how many keys they keep: the report's adaptive model.</summary>
    AdaptiveMixture,

    /// <summary>The same experts, but every token uses the last one; no router.</summary>
    NonAdaptiveSparse,

    /// <summary>One full softmax attention.</summary>
    Standard,
}

/// <summary>The non-linearity between the router's two layers.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<RouterActivation>))]
public enum RouterActivation
{
    /// <summary>As the report says.</summary>
    Gelu,

    /// <summary>As the released code and its checkpoints have it.</summary>
    Relu,
}

/// <summary>
/// Everything that decides the shape and the meaning of a <see cref="SmallViT"/>. Stored beside every checkpoint; the server derives the rest
/// from it. The defaults are the report's adaptive model: 599,689 parameters.
/// </summary>
public sealed record ModelConfig
{
    /// <summary>D: width of a token.</summary>
    public int Width { get; init; } = 128;

    /// <summary>H: attention heads of every expert; divides <see cref="Width"/>.</summary>
    public int Heads { get; init; } = 4;

    /// <summary>L: number of blocks.</summary>
    public int Blocks { get; init; } = 2;

    /// <summary>P: side of a patch in pixels; one patch is one token.</summary>
    public int PatchSide { get; init; } = 4;

    /// <summary>Side in pixels of the square that the network sees at once; a multiple of <see cref="PatchSide"/>.</summary>
    public int TileSide { get; init; } = 32;

    /// <summary>Hidden width of the feed-forward network.</summary>
    public int FeedForwardWidth { get; init; } = 256;

    /// <summary>Hidden width of the router.</summary>
    public int RouterWidth { get; init; } = 64;

    /// <summary>K of every expert: how many keys a query keeps, capped at the number of tokens.</summary>
    public IReadOnlyList<int> KeysKept { get; init; } = [32, 64, 128];

    /// <summary>The attention of every block.</summary>
    public AttentionKind Attention { get; init; } = AttentionKind.AdaptiveMixture;

    /// <summary>The router's non-linearity.</summary>
    public RouterActivation RouterActivation { get; init; } = RouterActivation.Gelu;

    /// <summary>The network predicts a correction and the output is input + correction. The parameter count is the same.</summary>
    public bool Residual { get; init; }

    /// <summary>N: tokens of one tile.</summary>
    [JsonIgnore]
    public int Tokens => TileSide / PatchSide * (TileSide / PatchSide);

    /// <summary>E: entries of one token's routing distribution (1 for standard attention).</summary>
    [JsonIgnore]
    public int Experts => Attention == AttentionKind.Standard ? 1 : KeysKept.Count;

    /// <summary>Keys that each expert really attends to on one tile: K capped at N, and N for standard attention.</summary>
    [JsonIgnore]
    public IReadOnlyList<int> KeysAttended =>
        Attention == AttentionKind.Standard ? [Tokens] : KeysKept.Select(k => Math.Min(k, Tokens)).ToArray();

    /// <summary>Throws where a value is out of its range.</summary>
    /// <exception cref="ModelConfigException">Names the first field that is wrong, its value and its range.</exception>
    public ModelConfig Validated()
    {
        Require(Width is >= 1 and <= 4096, nameof(Width), Width, "1 to 4096");
        Require(Heads >= 1 && Width % Heads == 0, nameof(Heads), Heads, $"a divisor of Width ({Width})");
        Require(Blocks is >= 1 and <= 64, nameof(Blocks), Blocks, "1 to 64");
        Require(PatchSide is >= 1 and <= 64, nameof(PatchSide), PatchSide, "1 to 64");
        Require(TileSide is >= 1 and <= 1024 && TileSide % PatchSide == 0, nameof(TileSide), TileSide, $"a multiple of PatchSide ({PatchSide}) up to 1024");
        Require(FeedForwardWidth is >= 1 and <= 65536, nameof(FeedForwardWidth), FeedForwardWidth, "1 to 65536");
        Require(RouterWidth is >= 1 and <= 65536, nameof(RouterWidth), RouterWidth, "1 to 65536");
        Require(KeysKept is { Count: >= 1 and <= 64 } && KeysKept.All(k => k >= 1), nameof(KeysKept), $"[{string.Join(", ", KeysKept ?? [])}]", "1 to 64 experts of at least 1 key each");
        Require(Enum.IsDefined(Attention), nameof(Attention), Attention, string.Join(", ", Enum.GetNames<AttentionKind>()));
        Require(Enum.IsDefined(RouterActivation), nameof(RouterActivation), RouterActivation, string.Join(", ", Enum.GetNames<RouterActivation>()));
        return this;

        static void Require(bool holds, string field, object value, string range)
        {
            if (!holds) throw new ModelConfigException($"{field} is {value}; it must be {range}.");
        }
    }
}

/// <summary>A model's configuration has a value out of range.</summary>
public sealed class ModelConfigException(string message) : Exception(message);
