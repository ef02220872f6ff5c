using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace DenoiseService.Model.Tests;

public sealed class PixelSquaresTests
{
    [Theory]
    [InlineData(1, 3, 12, 8, 8)]
    [InlineData(2, 3, 16, 6, 12)]
    [InlineData(3, 4, 16, 34, 10)]
    public void Squares_become_channels_and_pixels_again_as_the_library_does_it(int images, int planes, int channels, int height, int width)
    {
        using var inference = inference_mode();
        using var scope = NewDisposeScope();
        Tensor image = rand(images, planes, height, width);
        Tensor squares = PixelSquares.Of(image, channels);
        Tensor expected = functional.pad(functional.pixel_unshuffle(image, 2), [0, 0, 0, 0, 0, channels - 4 * planes]);
        Assert.Equal(expected.shape, squares.shape);
        Assert.Equal(1, squares.stride(1)); // channels-last
        Assert.Equal(Numbers(expected), Numbers(squares));
        Assert.Equal(Numbers(image), Numbers(PixelSquares.Back(squares, planes)));
        Assert.Equal(Numbers(functional.pixel_shuffle(expected.narrow(1, 0, 4 * planes), 2)), Numbers(PixelSquares.Back(expected, planes))); // of another memory too
    }

    [Fact]
    public void An_image_may_be_a_part_of_another_and_of_other_numbers()
    {
        using var inference = inference_mode();
        using var scope = NewDisposeScope();
        Tensor whole = rand(2, 4, 20, 20), part = whole.narrow(1, 0, 3).narrow(2, 4, 12).narrow(3, 2, 12);
        Assert.Equal(Numbers(functional.pixel_unshuffle(part, 2)), Numbers(PixelSquares.Of(part, 12)));
        Assert.Equal(Numbers(PixelSquares.Of(part, 16)), Numbers(PixelSquares.Of(part.to(ScalarType.Float64), 16)));
        Assert.Equal(Numbers(PixelSquares.Of(part, 12).to(ScalarType.BFloat16)), Numbers(PixelSquares.Of(PixelSquares.Back(PixelSquares.Of(part, 12).to(ScalarType.BFloat16), 3), 12)));
    }

    [Fact]
    public void The_mean_of_a_square_is_the_librarys()
    {
        using var inference = inference_mode();
        using var scope = NewDisposeScope();
        Tensor image = rand(2, 4, 10, 14).narrow(1, 0, 3);
        foreach ((float mean, float expected) in Numbers(PixelSquares.Means(image)).Zip(Numbers(functional.avg_pool2d(image, 2)))) Assert.Equal(expected, mean, 1e-6f);
    }

    [Fact]
    public void What_is_not_made_of_squares_or_finds_no_room_is_refused()
    {
        using var scope = NewDisposeScope();
        Assert.Contains("7 × 8 pixels", Assert.Throws<ArgumentException>(() => PixelSquares.Of(rand(1, 3, 7, 8), 12)).Message, StringComparison.Ordinal);
        Assert.Contains("8 × 7 pixels", Assert.Throws<ArgumentException>(() => PixelSquares.Means(rand(1, 3, 8, 7))).Message, StringComparison.Ordinal);
        Assert.Contains("at least 16 channels", Assert.Throws<ArgumentOutOfRangeException>(() => PixelSquares.Of(rand(1, 4, 8, 8), 12)).Message, StringComparison.Ordinal);
        Assert.Contains("at least 12 channels; there are 8", Assert.Throws<ArgumentException>(() => PixelSquares.Back(rand(1, 8, 4, 4), 3)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Gradients_pass()
    {
        using var scope = NewDisposeScope();
        Tensor image = rand(1, 3, 8, 8, requires_grad: true), weights = rand(1, 3, 8, 8);
        (PixelSquares.Back(PixelSquares.Of(image, 16), 3) * weights).sum().backward();
        Assert.Equal(Numbers(weights), Numbers(image.grad!));
    }

    private static float[] Numbers(Tensor tensor) => tensor.to(ScalarType.Float32).contiguous().data<float>().ToArray();
}
