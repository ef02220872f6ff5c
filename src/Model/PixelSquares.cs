using DenoiseService.Model.Winograd;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace DenoiseService.Model;

// Shapes: B batch, P planes, C channels, T side of the tile in pixels.

/// <summary>
/// Squares of 2×2 pixels as channels, and back: what pixel_unshuffle and pixel_shuffle do, in one pass from and to the channels-last memory that convolutions want, where the library makes three.
/// Channel 4 p + 2 y + x is pixel (y, x) of the squares of plane p.
/// </summary>
internal static unsafe class PixelSquares
{
    /// <summary>(B, P, T, T) → (B, C, T/2, T/2) in channels-last memory.</summary>
    /// <param name="image">P planes.</param>
    /// <param name="channels">C, at least 4 P; what is beyond is 0.</param>
    public static Tensor Of(Tensor image, int channels)
    {
        CheckSides(image);
        int planes = (int)image.shape[1], missing = channels - 4 * planes;
        if (missing < 0) throw new ArgumentOutOfRangeException(nameof(channels), channels, $"{planes} planes need at least {4 * planes} channels.");
        if (image.dtype != ScalarType.Float32 || image.device_type != TorchSharp.DeviceType.CPU || (image.requires_grad && is_grad_enabled()))
        {
            return ChannelsLast.Of(functional.pad(functional.pixel_unshuffle(image, 2), [0, 0, 0, 0, 0, missing])).permute(0, 3, 1, 2);
        }

        using var scope = NewDisposeScope();
        Tensor source = image.contiguous();
        (int images, int height, int width) = ((int)image.shape[0], (int)image.shape[2] / 2, (int)image.shape[3] / 2);
        Tensor squares = empty(images, height, width, channels);
        Copy(ChannelsLast.At(source), ChannelsLast.At(squares), images, planes, height, width, channels, back: false);
        return squares.permute(0, 3, 1, 2).MoveToOuterDisposeScope();
    }

    /// <summary>(B, C, T/2, T/2) → float32 (B, P, T, T).</summary>
    /// <param name="squares">C channels, at least 4 P; what is beyond is left out.</param>
    /// <param name="planes">P.</param>
    public static Tensor Back(Tensor squares, int planes)
    {
        (int images, int height, int width) = ((int)squares.shape[0], (int)squares.shape[2], (int)squares.shape[3]);
        if (squares.shape[1] < 4 * planes) throw new ArgumentException($"{planes} planes need at least {4 * planes} channels; there are {squares.shape[1]}.", nameof(squares));
        using var scope = NewDisposeScope();
        if (squares.device_type != TorchSharp.DeviceType.CPU || is_grad_enabled())
        {
            return squares.narrow(1, 0, 4 * planes).reshape(-1, planes, 2, 2, height, width).permute(0, 1, 4, 2, 5, 3).reshape(-1, planes, 2 * height, 2 * width).to(ScalarType.Float32).MoveToOuterDisposeScope();
        }

        Tensor source = ChannelsLast.Of(squares.to(ScalarType.Float32)); // (B, T/2, T/2, C)
        int channels = (int)source.shape[3];
        Tensor image = empty(images, planes, 2 * height, 2 * width);
        Copy(ChannelsLast.At(image), ChannelsLast.At(source), images, planes, height, width, channels, back: true);
        return image.MoveToOuterDisposeScope();
    }

    /// <summary>The mean of every square: (B, P, T, T) → (B, P, T/2, T/2). For inference.</summary>
    public static Tensor Means(Tensor image)
    {
        CheckSides(image);
        using var scope = NewDisposeScope();
        if (image.dtype != ScalarType.Float32 || image.device_type != TorchSharp.DeviceType.CPU) return functional.avg_pool2d(image, 2).MoveToOuterDisposeScope();
        Tensor source = image.contiguous();
        (long planes, int height, int width) = (image.shape[0] * image.shape[1], (int)image.shape[2] / 2, (int)image.shape[3] / 2);
        Tensor means = empty(image.shape[0], image.shape[1], height, width);
        float* upper = ChannelsLast.At(source), to = ChannelsLast.At(means);
        for (long row = 0; row < planes * height; row++, upper += 2 * width) // at its end the pointer has passed the upper row, and skips the lower
        {
            for (int x = 0; x < width; x++, upper += 2) *to++ = (upper[0] + upper[1] + upper[2 * width] + upper[2 * width + 1]) / 4;
        }

        return means.MoveToOuterDisposeScope();
    }

    /// <summary>From an image to its squares, where channels beyond 4 P become 0, or back.</summary>
    /// <param name="image">(B, P, 2 H, 2 W).</param>
    /// <param name="squares">(B, H, W, C).</param>
    /// <param name="images">B.</param>
    /// <param name="planes">P.</param>
    /// <param name="height">H.</param>
    /// <param name="width">W.</param>
    /// <param name="channels">C.</param>
    /// <param name="back">To the image.</param>
    private static void Copy(float* image, float* squares, int images, int planes, int height, int width, int channels, bool back)
    {
        long plane = 4L * height * width;
        for (int b = 0; b < images; b++, image += planes * plane)
        {
            for (int y = 0; y < height; y++)
            {
                float* row = image + 4L * y * width;
                for (int x = 0; x < width; x++, row += 2, squares += channels)
                {
                    for (int p = 0; p < planes; p++)
                    {
                        Pixels* upper = (Pixels*)(row + p * plane), lower = upper + width, square = (Pixels*)(squares + 4 * p);
                        if (back) (*upper, *lower) = (square[0], square[1]);
                        else (square[0], square[1]) = (*upper, *lower);
                    }

                    if (!back) for (int c = 4 * planes; c < channels; c++) squares[c] = 0;
                }
            }
        }
    }

    private static void CheckSides(Tensor image)
    {
        if (image.shape[2] % 2 != 0 || image.shape[3] % 2 != 0) throw new ArgumentException($"An image of {image.shape[2]} × {image.shape[3]} pixels is not made of squares of 2 × 2.", nameof(image));
    }

    /// <summary>Two neighbours of a row.</summary>
    private readonly record struct Pixels(float Left, float Right);
}
