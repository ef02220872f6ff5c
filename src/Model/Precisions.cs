using System.Runtime.Intrinsics.X86;
using System.Text.Json.Serialization;

namespace DenoiseService.Model;

/// <summary>The numbers that a network computes with.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Precision>))]
public enum Precision
{
    /// <summary>float32.</summary>
    Float32,

    /// <summary>
    /// bfloat16 for weights and activations; scores, routing, the image itself and the weights of convolutions that have a faster form stay float32. Faster where
    /// the processor has bfloat16 products, slower elsewhere. Shared mixtures and blocks without attention only.
    /// </summary>
    BFloat16,
}

/// <summary>Which numbers a network may compute with, and which it should here.</summary>
public static class Precisions
{
    private const int Bf16Products = 1 << 5; // of leaf 7.1 in EAX: AVX512_BF16
    private const int Bf16Tiles = (1 << 22) | (1 << 24); // of leaf 7.0 in EDX: AMX-BF16, AMX-TILE

    /// <summary>True where this processor multiplies bfloat16 numbers in vectors, which makes them the faster ones.</summary>
    public static bool HasBFloat16Products { get; } = X86Base.IsSupported && X86Base.CpuId(0, 0).Eax >= 7 && X86Base.CpuId(7, 0).Eax >= 1 && (X86Base.CpuId(7, 1).Eax & Bf16Products) != 0;

    /// <summary>True where this processor multiplies whole tiles of bfloat16 numbers (AMX), which the library's convolutions use: no form in float32 is as fast there.</summary>
    public static bool HasBFloat16Tiles { get; } = HasBFloat16Products && (X86Base.CpuId(7, 0).Edx & Bf16Tiles) == Bf16Tiles;

    /// <summary>True where the network's forms are written for these numbers.</summary>
    public static bool Allows(this ModelConfig config, Precision precision) => precision == Precision.Float32 || config.Attention is AttentionKind.SharedMixture or AttentionKind.None;

    /// <summary>The fastest numbers for this network on this processor.</summary>
    public static Precision Fastest(ModelConfig config) => HasBFloat16Products && config.Allows(Precision.BFloat16) ? Precision.BFloat16 : Precision.Float32;
}
