using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace DenoiseService.Model.Winograd;

/// <summary>A number as features are stored in memory; sixteen at once become float32 and back.</summary>
internal unsafe interface IFeature<T> where T : unmanaged, IFeature<T>
{
    static abstract Vector512<float> Load(T* from);

    static abstract void Store(Vector512<float> values, T* to);
}

/// <summary>As it is.</summary>
[StructLayout(LayoutKind.Sequential, Size = sizeof(float))]
internal readonly unsafe struct Float32 : IFeature<Float32>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(Float32* from) => Vector512.Load((float*)from);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<float> values, Float32* to) => values.Store((float*)to);
}

/// <summary>The upper half of a float32, rounded to the nearest and to even: half the memory to read and to write.</summary>
[StructLayout(LayoutKind.Sequential, Size = sizeof(ushort))]
internal readonly unsafe struct BFloat16 : IFeature<BFloat16>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(BFloat16* from)
    {
        if (Avx512F.IsSupported) return (Avx512F.ConvertToVector512UInt32(Vector256.Load((ushort*)from)) << 16).AsSingle();
        (Vector256<uint> lower, Vector256<uint> upper) = Vector256.Widen(Vector256.Load((ushort*)from));
        return Vector512.Create(lower << 16, upper << 16).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<float> values, BFloat16* to)
    {
        Vector512<uint> bits = values.AsUInt32();
        Vector512<uint> upper = (bits + Vector512.Create(0x7FFFu) + ((bits >> 16) & Vector512.Create(1u))) >> 16;
        (Avx512F.IsSupported ? Avx512F.ConvertToVector256UInt16(upper) : Vector256.Narrow(upper.GetLower(), upper.GetUpper())).Store((ushort*)to);
    }
}
