namespace DenoiseService.Imaging.Tests;

public sealed class EdgeMapTests
{
    [Fact]
    public void Edges_are_central_differences_averaged_over_the_patch()
    {
        var ramp = new float[8 * 8];
        for (int i = 0; i < ramp.Length; i++) ramp[i] = i % 8 * 0.03f + i / 8 * 0.04f;
        EdgeMap edges = EdgeMap.Of(new Picture(ramp, 1, 8, 8), 4);
        foreach ((int row, int column) in ((int, int)[])[(0, 0), (0, 1), (1, 0), (1, 1)]) Assert.Equal(0.05f, edges.At(row, column), 5);
    }

    [Fact]
    public void A_patch_that_sticks_out_has_no_edges()
    {
        EdgeMap edges = EdgeMap.Of(Samples.Noise(1, 3, 6, 9), 4);
        Assert.True(edges.At(0, 1) > 0);
        Assert.Equal(0, edges.At(0, 2));
        Assert.Equal(0, edges.At(1, 0));
    }
}
