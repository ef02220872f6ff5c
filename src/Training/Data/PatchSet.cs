using System.Runtime.InteropServices;
using System.Security.Cryptography;
using DenoiseService.Model;
using static TorchSharp.torch;

namespace DenoiseService.Training.Data;

/// <summary>Square colour images of one size, kept as one block of bytes: (count, 3, side, side), 8 bits.</summary>
public sealed class PatchSet
{
    private readonly byte[] _pixels;

    /// <summary>Takes over the bytes.</summary>
    public PatchSet(byte[] pixels, int side)
    {
        (_pixels, Side, PatchBytes) = (pixels, side, 3 * side * side);
        if (pixels.Length == 0 || pixels.LongLength % PatchBytes != 0) throw new DataSetException($"{pixels.LongLength} bytes are not a number of {side} × {side} colour images.");
        Count = (int)(pixels.LongLength / PatchBytes);
    }

    /// <summary>Room for so many images.</summary>
    /// <exception cref="DataSetException">More than one block of memory holds.</exception>
    internal static byte[] Allocate(int count, int side)
    {
        long bytes = (long)count * 3 * side * side;
        return bytes <= Array.MaxLength ? new byte[bytes] : throw new DataSetException($"{count} images of {side} × {side} take {bytes} bytes; a set holds {Array.MaxLength}, which is {Array.MaxLength / (3 * side * side)} images.");
    }

    /// <summary>Pixels of an image's side.</summary>
    public int Side { get; }

    /// <summary>Images.</summary>
    public int Count { get; }

    private int PatchBytes { get; }

    /// <summary>sha256 of all bytes, lower-case hex: the data's name in a training record.</summary>
    public string Sha256() => Convert.ToHexStringLower(SHA256.HashData(_pixels));

    /// <summary>One image as floats in [0, 1], planar (3, side, side).</summary>
    public float[] Image(int index)
    {
        var image = new float[PatchBytes];
        Fill(index, 0, image);
        return image;
    }

    /// <summary>A batch, float32 (B, 3, side, side) in [0, 1].</summary>
    /// <param name="indices">Which images.</param>
    /// <param name="turns">For each image one of the 8 turns and flips of the square, 0–7; none if null.</param>
    public Tensor Batch(ReadOnlySpan<int> indices, ReadOnlySpan<int> turns = default)
    {
        Tensor batch = empty(indices.Length, 3, Side, Side);
        Span<float> values = MemoryMarshal.Cast<byte, float>(batch.bytes);
        for (int i = 0; i < indices.Length; i++) Fill(indices[i], turns.IsEmpty ? 0 : turns[i], values.Slice(i * PatchBytes, PatchBytes));
        return batch;
    }

    /// <summary>The same images continued by reflection to a larger side, for a network that trains on larger squares.</summary>
    public PatchSet ReflectedTo(int side)
    {
        if (side == Side) return this;
        byte[] pixels = Allocate(Count, side);
        for (long row = 0; row < (long)Count * 3 * side; row++)
        {
            ReadOnlySpan<byte> source = _pixels.AsSpan((int)((row / side * Side + TileAxis.Reflect((int)(row % side), Side)) * Side), Side);
            for (int x = 0; x < side; x++) pixels[row * side + x] = source[TileAxis.Reflect(x, Side)];
        }

        return new PatchSet(pixels, side);
    }

    private void Fill(int index, int turn, Span<float> target)
    {
        ReadOnlySpan<byte> source = _pixels.AsSpan(index * PatchBytes, PatchBytes);
        int last = Side - 1, at = 0;
        for (int c = 0; c < 3; c++)
        {
            ReadOnlySpan<byte> plane = source.Slice(c * Side * Side, Side * Side);
            for (int y = 0; y < Side; y++)
            {
                for (int x = 0; x < Side; x++)
                {
                    int sy = (turn & 1) == 0 ? y : last - y, sx = (turn & 2) == 0 ? x : last - x;
                    target[at++] = ((turn & 4) == 0 ? plane[sy * Side + sx] : plane[sx * Side + sy]) * (1f / 255);
                }
            }
        }
    }
}
