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

    /// <summary>As the adaptive mixture, but the experts share one set of q, k, v and W_out and differ only in how many keys they keep: a third of the parameters and one product with v.</summary>
    SharedMixture,

    /// <summary>Tokens do not look at each other; a block is its feed-forward network alone. The control that shows what attention earns.</summary>
    None,
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

/// <summary>Where a mixture's probabilities come from; all but the learned one are controls of the ablation.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<RoutingKind>))]
public enum RoutingKind
{
    /// <summary>A small network reads every token.</summary>
    Learned,

    /// <summary>Every expert has the same weight for every token; nothing is learned.</summary>
    Uniform,

    /// <summary>Every position has its own random distribution, drawn once; it knows nothing of the picture and is not learned.</summary>
    Random,
}

/// <summary>
/// Everything that decides the shape and the meaning of a <see cref="SmallViT"/>. Stored beside every checkpoint; the server derives the rest
/// from it. The defaults are the report's adaptive model: 599,689 parameters.
/// </summary>
public sealed record ModelConfig
{
    /// <summary>What is trained on photographs and ships: 599,356 parameters, residual, reads the noise level or estimates it, convolutions at half resolution around one block of tokens in windows of 8×8 whose three budgets share q, k, v.</summary>
    public static ModelConfig Photographs { get; } = new()
    {
        Width = 64, Heads = 2, FeedForwardWidth = 44, RouterWidth = 32, Blocks = 1, TokenPairs = 1, TileSide = 64, KeysKept = [8, 24, 64], Attention = AttentionKind.SharedMixture, WindowSide = 8, ShiftWindows = true,
        UnshuffledStem = true, StemPairs = 3, HalfWidth = 64, NoiseLevelInput = true, Residual = true, Shrinkage = RoundingOf8Bits, ClampInTraining = false,
    };

    // Standard deviation of what rounding to 8 bits does to a value: 1 / √12 of a step.
    private const double RoundingOf8Bits = 0.288675 / 255;

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

    /// <summary>Where the probabilities come from; the mixtures only.</summary>
    public RoutingKind Routing { get; init; } = RoutingKind.Learned;

    /// <summary>Side in tokens of the square windows within which tokens attend to each other; 0: the whole tile. A windowed network runs on tiles of any side from one window on, in whole patches.</summary>
    public int WindowSide { get; init; }

    /// <summary>Every second block moves its windows by half a window, so that context grows with depth.</summary>
    public bool ShiftWindows { get; init; }

    /// <summary>Channels of the convolutional encoder and decoder around the tokens at full resolution; 0: none at full resolution; without an UnshuffledStem patches are embedded linearly then, as in the report.</summary>
    public int StemWidth { get; init; }

    /// <summary>Channels of the encoder and decoder at half resolution; used where <see cref="StemWidth"/> is not 0 or <see cref="UnshuffledStem"/> is true.</summary>
    public int HalfWidth { get; init; } = 48;

    /// <summary>
    /// The encoder starts from squares of 2×2 pixels of every plane as channels, and the decoder ends in those of the colours: all convolutions are at half resolution and
    /// <see cref="StemWidth"/> is 0.
    /// </summary>
    public bool UnshuffledStem { get; init; }

    /// <summary>The network reads how noisy its image is, told or estimated by itself (<see cref="NoiseLevel"/>); with <see cref="UnshuffledStem"/> only.</summary>
    public bool NoiseLevelInput { get; init; }

    /// <summary>Residual pairs of convolutions at half resolution, as many before the tokens as after them; used where there is a stem.</summary>
    public int StemPairs { get; init; } = 1;

    /// <summary>Residual pairs of convolutions on the grid of tokens, before the first block.</summary>
    public int TokenPairs { get; init; }

    /// <summary>The network predicts a correction and the output is input + correction. The parameter count is the same.</summary>
    public bool Residual { get; init; }

    /// <summary>
    /// Restraint about corrections that are hardly there, in units of 1; residual networks only. At inference an image's correction is multiplied by m / (m + Shrinkage²), m its mean
    /// square: one of this size, which may as well be the picture's own texture, is halved, one of ten times the size loses a hundredth. 0: none.
    /// </summary>
    public double Shrinkage { get; init; }

    /// <summary>
    /// The output is clamped to [0, 1] in training too, as the report has it: a pixel that is predicted outside gets no gradient, and may never come
    /// back. False clamps at inference only.
    /// </summary>
    public bool ClampInTraining { get; init; } = true;

    /// <summary>Patches are made, and turned back into pixels, by a convolutional encoder and decoder.</summary>
    [JsonIgnore]
    public bool HasStem => StemWidth > 0 || UnshuffledStem;

    /// <summary>Planes that the network reads: three colours and, where it can be told, the noise level.</summary>
    [JsonIgnore]
    public int InputPlanes => NoiseLevelInput ? 4 : 3;

    /// <summary>N: tokens of one tile.</summary>
    [JsonIgnore]
    public int Tokens => TileSide / PatchSide * (TileSide / PatchSide);

    /// <summary>Tokens that see each other: those of a window.</summary>
    [JsonIgnore]
    public int WindowTokens => WindowSide == 0 ? Tokens : WindowSide * WindowSide;

    /// <summary>E: entries of one token's routing distribution (1 for standard attention and none).</summary>
    [JsonIgnore]
    public int Experts => Attention is AttentionKind.Standard or AttentionKind.None ? 1 : KeysKept.Count;

    /// <summary>Keys that each expert really attends to on one tile: K capped at the tokens of a window, all of them for standard attention, itself for none.</summary>
    [JsonIgnore]
    public IReadOnlyList<int> KeysAttended => Attention switch
    {
        AttentionKind.Standard => [WindowTokens],
        AttentionKind.None => [1],
        _ => KeysKept.Select(k => Math.Min(k, WindowTokens)).ToArray(),
    };

    /// <summary>Trainable numbers of the network.</summary>
    [JsonIgnore]
    public long Parameters
    {
        get
        {
            long width = Width, square = width * width + width, router = Routing == RoutingKind.Learned ? (width + 1) * RouterWidth + (RouterWidth + 1L) * KeysKept.Count : 0;
            long attention = Attention switch
            {
                AttentionKind.None => 0,
                AttentionKind.Standard => 4 * square,
                AttentionKind.SharedMixture => 4 * square + router,
                AttentionKind.NonAdaptiveSparse => (4L * KeysKept.Count + 1) * square,
                _ => (4L * KeysKept.Count + 1) * square + router,
            };
            long feedForward = (width + 1) * FeedForwardWidth + (FeedForwardWidth + 1L) * width;
            long blocks = Blocks * (attention + feedForward + 4 * width) + WindowTokens * width + 2L * TokenPairs * Convolution(width, width);
            if (!HasStem) return blocks + Patches(3, PatchSide);
            long pairs = 4L * StemPairs * Convolution(HalfWidth, HalfWidth);
            if (UnshuffledStem) return blocks + (NoiseLevelInput ? NoiseEstimator.Parameters : 0) + Patches(HalfWidth, PatchSide / 2) + pairs + Convolution(4 * InputPlanes, HalfWidth) + Convolution(HalfWidth, 12);
            long fullSize = Convolution(3, StemWidth) + Convolution(StemWidth, StemWidth) + Convolution(StemWidth, 3);
            return blocks + Patches(HalfWidth, PatchSide / 2) + pairs + fullSize + (4L * StemWidth + 1) * HalfWidth + (4L * HalfWidth + 1) * StemWidth;

            long Patches(long channels, long side) => width * (2 * channels * side * side + 1) + channels;
            static long Convolution(long from, long to) => (9 * from + 1) * to;
        }
    }

    /// <summary>Numbers that are kept with the weights and not learned.</summary>
    internal long Buffers => Routing == RoutingKind.Random && Attention is (AttentionKind.AdaptiveMixture or AttentionKind.SharedMixture) ? (long)Blocks * WindowTokens * KeysKept.Count : 0;

    /// <summary>Throws where a value is out of its range.</summary>
    /// <exception cref="ModelConfigException">Names the first field that is wrong, its value and its range.</exception>
    public ModelConfig Validated()
    {
        Require(Width is >= 1 and <= 4096, nameof(Width), Width, "1 to 4096");
        Require(Heads >= 1 && Width % Heads == 0, nameof(Heads), Heads, $"a divisor of Width ({Width})");
        Require(Blocks is >= 1 and <= 64, nameof(Blocks), Blocks, "1 to 64");
        Require(PatchSide is >= 1 and <= 64, nameof(PatchSide), PatchSide, "1 to 64");
        Require(TileSide is >= 1 and <= 1024 && TileSide % PatchSide == 0, nameof(TileSide), TileSide, $"a multiple of PatchSide ({PatchSide}) up to 1024");
        Require(WindowSide == 0 || (WindowSide > 0 && TileSide / PatchSide % WindowSide == 0), nameof(WindowSide), WindowSide, $"0 or a divisor of the tile's {TileSide / PatchSide} tokens a side");
        Require(!ShiftWindows || (WindowSide > 0 && WindowSide % 2 == 0), nameof(ShiftWindows), ShiftWindows, "false unless WindowSide is even and above 0");
        Require(StemWidth is >= 0 and <= 4096, nameof(StemWidth), StemWidth, "0 to 4096");
        Require(StemWidth == 0 || !UnshuffledStem, nameof(StemWidth), StemWidth, "0 with UnshuffledStem, which has no channels at full resolution");
        Require(!NoiseLevelInput || UnshuffledStem, nameof(NoiseLevelInput), NoiseLevelInput, "false without UnshuffledStem");
        Require(StemPairs is >= 1 and <= 64, nameof(StemPairs), StemPairs, "1 to 64");
        Require(TokenPairs is >= 0 and <= 64, nameof(TokenPairs), TokenPairs, "0 to 64");
        Require(!HasStem || PatchSide == 4, nameof(PatchSide), PatchSide, "4 with a convolutional encoder, which halves the resolution twice");
        Require(Shrinkage is >= 0 and <= 1 && (Shrinkage == 0 || Residual), nameof(Shrinkage), Shrinkage, "0 to 1, and 0 unless Residual");
        Require(HalfWidth is >= 1 and <= 4096, nameof(HalfWidth), HalfWidth, "1 to 4096");
        Require(FeedForwardWidth is >= 1 and <= 65536, nameof(FeedForwardWidth), FeedForwardWidth, "1 to 65536");
        Require(RouterWidth is >= 1 and <= 65536, nameof(RouterWidth), RouterWidth, "1 to 65536");
        Require(KeysKept is { Count: >= 1 and <= 64 } && KeysKept.All(k => k >= 1), nameof(KeysKept), $"[{string.Join(", ", KeysKept ?? [])}]", "1 to 64 experts of at least 1 key each");
        Require(Enum.IsDefined(Attention), nameof(Attention), Attention, string.Join(", ", Enum.GetNames<AttentionKind>()));
        Require(Enum.IsDefined(Routing), nameof(Routing), Routing, string.Join(", ", Enum.GetNames<RoutingKind>()));
        Require(Routing == RoutingKind.Learned || Attention is AttentionKind.AdaptiveMixture or AttentionKind.SharedMixture, nameof(Routing), Routing, $"{RoutingKind.Learned} without a mixture");
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
