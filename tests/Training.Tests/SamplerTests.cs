using DenoiseService.Training.Data;
using static TorchSharp.torch;

namespace DenoiseService.Training.Tests;

public sealed class SamplerTests
{
    [Fact]
    public void An_epoch_shows_every_image_once()
    {
        // Image i is filled with the value i.
        var data = new TrainingData([Numbered(20)], [1]);
        var sampler = new Sampler(data, 5, augment: false, seed: 1);
        for (int epoch = 0; epoch < 3; epoch++)
        {
            int[] seen = Enumerable.Range(0, 4).SelectMany(step => Values(sampler.Batch(epoch * 4 + step))).Order().ToArray();
            Assert.Equal(Enumerable.Range(0, 20), seen);
        }
    }

    [Fact]
    public void The_step_alone_decides_the_batch()
    {
        var data = new TrainingData([Numbered(20)], [1]);
        var forward = new Sampler(data, 6, augment: true, seed: 1);
        int[][] inOrder = Enumerable.Range(0, 10).Select(step => Values(forward.Batch(step))).ToArray();
        var jumped = new Sampler(data, 6, augment: true, seed: 1);
        Assert.Equal(inOrder[7], Values(jumped.Batch(7)));
        Assert.Equal(inOrder[2], Values(jumped.Batch(2)));
    }

    [Theory]
    [InlineData(new[] { 1.0, 1.0 }, 8, new[] { 4, 4 })]
    [InlineData(new[] { 3.0, 1.0 }, 64, new[] { 48, 16 })]
    [InlineData(new[] { 0.5, 0.3, 0.2 }, 7, new[] { 4, 2, 1 })]
    [InlineData(new[] { 2.0 }, 5, new[] { 5 })]
    public void Shares_split_a_batch_without_remainder(double[] shares, int batch, int[] expected) => Assert.Equal(expected, Sampler.Split(shares, batch));

    [Fact]
    public void The_eight_turns_are_the_eight_symmetries_of_the_square()
    {
        PatchSet set = Small.Patches(1, 8);
        var random = new Random(1);
        var pixels = new byte[3 * 64];
        random.NextBytes(pixels);
        set = new PatchSet(pixels, 8);
        string[] turned = Enumerable.Range(0, 8).Select(turn =>
        {
            using Tensor batch = set.Batch([0], [turn]);
            float[] values = batch.data<float>().ToArray();
            Assert.Equal(pixels.Select(p => (int)p).Order(), values.Select(v => (int)MathF.Round(v * 255)).Order());
            return string.Join(",", values);
        }).ToArray();
        Assert.Equal(8, turned.Distinct().Count());
    }

    private static PatchSet Numbered(int count)
    {
        var pixels = new byte[count * 12];
        for (int i = 0; i < pixels.Length; i++) pixels[i] = (byte)(i / 12);
        return new PatchSet(pixels, 2);
    }

    private static int[] Values(Tensor batch)
    {
        using (batch) return Enumerable.Range(0, (int)batch.shape[0]).Select(i => (int)MathF.Round(batch[i, 0, 0, 0].item<float>() * 255)).ToArray();
    }
}
