using static TorchSharp.torch;

namespace DenoiseService.Model.Tests;

public sealed class WindowsTests
{
    [Theory]
    [InlineData(0, 6)]
    [InlineData(2, 6)]
    [InlineData(3, 6)]
    [InlineData(6, 6)]
    [InlineData(4, 4)]
    public void Splitting_and_shifting_come_back_and_windows_hold_neighbours(int window, int side)
    {
        using var scope = NewDisposeScope();
        var windows = new Windows(new ModelConfig { WindowSide = window }, side);
        Tensor grid = arange(2 * side * side * 3, ScalarType.Float32).reshape(2, side, side, 3);
        Tensor split = windows.Split(grid);
        int inWindow = window == 0 ? side : window, perSide = side / inWindow;
        Assert.Equal([2 * perSide * perSide, inWindow * inWindow, 3], split.shape);
        Assert.Equal(Networks.Read(grid), Networks.Read(windows.Join(split)));
        Assert.Equal(Networks.Read(split), Networks.Read(windows.ShiftBack(windows.Shift(split))));

        // Window w of the first picture holds the square that begins at (w / perSide, w % perSide) windows; shifted: half a window further, around the border.
        float[] plain = Networks.Read(split), shifted = Networks.Read(windows.Shift(split)), pixels = Networks.Read(grid);
        for (int w = 0; w < perSide * perSide; w++)
        {
            for (int t = 0; t < inWindow * inWindow; t++)
            {
                int row = w / perSide * inWindow + t / inWindow, column = w % perSide * inWindow + t % inWindow, half = inWindow / 2;
                Assert.Equal(pixels[(row * side + column) * 3], plain[(w * inWindow * inWindow + t) * 3]);
                Assert.Equal(pixels[((row + half) % side * side + (column + half) % side) * 3], shifted[(w * inWindow * inWindow + t) * 3]);
            }
        }
    }

    [Theory]
    [InlineData(4, 4)]
    [InlineData(4, 6)]
    [InlineData(8, 12)]
    public void A_grid_that_is_not_whole_windows_is_continued_by_its_reflection(int window, int side)
    {
        using var scope = NewDisposeScope();
        var windows = new Windows(new ModelConfig { WindowSide = window }, side);
        int whole = (side + window - 1) / window * window;
        Tensor grid = arange(2 * side * side * 3, ScalarType.Float32).reshape(2, side, side, 3), filled = windows.Fill(grid);
        Assert.Equal([2, whole, whole, 3], filled.shape);
        float[] before = Networks.Read(grid), after = Networks.Read(filled);
        for (int i = 0; i < after.Length; i++)
        {
            int picture = i / (whole * whole * 3), y = i / (whole * 3) % whole, x = i / 3 % whole, c = i % 3;
            Assert.Equal(before[((picture * side + TileAxis.Reflect(y, side)) * side + TileAxis.Reflect(x, side)) * 3 + c], after[i]);
        }

        Assert.Equal(before, Networks.Read(windows.Crop(windows.Join(windows.Split(filled)))));
    }
}
