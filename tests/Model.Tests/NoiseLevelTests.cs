using static TorchSharp.torch;

namespace DenoiseService.Model.Tests;

/// <summary>A network that can be told σ, and one that cannot.</summary>
public sealed class NoiseLevelTests
{
    private static readonly ModelConfig Told = Networks.Photographs;

    [Fact]
    public void Weights_of_a_network_that_could_not_be_told_give_the_same_as_before_whatever_is_told()
    {
        using var scope = NewDisposeScope();
        using SmallViT narrow = Networks.Trained(Told with { NoiseLevelInput = false }), wide = SmallViT.WithSeed(Told, 9);
        Checkpoint.Fill(wide, NoiseLevel.Widen(narrow.state_dict()), "narrow");
        wide.eval();
        using var inference = inference_mode();
        Tensor image = rand(2, 3, 32, 32);
        float[] expected = Networks.Read(narrow.call(image).Image);
        Assert.InRange(Numbers.LargestDifference(expected, Networks.Read(wide.call(image).Image)), 0, 1e-6);
        Assert.InRange(Numbers.LargestDifference(expected, Networks.Read(wide.call(NoiseLevel.Beside(image, tensor(new[] { 0.1f, 0.5f }))).Image)), 0, 1e-6);
        Assert.Same(wide.state_dict().Values.First(), NoiseLevel.Widen(wide.state_dict()).Values.First());
    }

    [Fact]
    public void Not_told_is_the_level_unknown()
    {
        using var scope = NewDisposeScope();
        using SmallViT network = Networks.Trained(Told);
        using var inference = inference_mode();
        Tensor image = rand(2, 3, 32, 32);
        Assert.Equal(Networks.Read(network.call(image).Image), Networks.Read(network.call(NoiseLevel.Beside(image, full(2, NoiseLevel.Unknown))).Image));
    }

    [Fact]
    public void Every_picture_of_a_batch_is_told_its_own_level()
    {
        using var denoiser = new Denoiser(Networks.Trained(Told));
        float?[] levels = [null, 0f, 0.1f, 0.5f];
        float[] picture = Numbers.Uniform(3 * 40 * 70, 1);
        float[][] alone = [.. levels.Select(_ => (float[])picture.Clone())], together = [.. levels.Select(_ => (float[])picture.Clone())];
        for (int i = 0; i < levels.Length; i++) denoiser.Denoise(alone[i], 40, 70, sigma: levels[i]);
        denoiser.Denoise([.. levels.Select((level, i) => denoiser.Tile(together[i], 40, 70, sigma: level))]);
        for (int i = 0; i < levels.Length; i++)
        {
            Assert.InRange(Numbers.LargestDifference(alone[i], together[i]), 0, 1e-6);
            for (int j = 0; j < i; j++) Assert.True(Numbers.LargestDifference(alone[i], alone[j]) > 1e-4, $"{levels[i]} and {levels[j]} give the same");
        }
    }

    [Fact]
    public void What_cannot_be_told_is_refused()
    {
        using Denoiser can = new(Networks.Trained(Told)), cannot = new(Networks.Trained(Told with { NoiseLevelInput = false }));
        float[] picture = new float[3 * 64];
        Assert.Contains("cannot be told", Assert.Throws<ArgumentException>(() => cannot.Tile(picture, 8, 8, sigma: 0.1f)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => can.Tile(picture, 8, 8, sigma: 1.5f));
        Assert.Throws<ArgumentOutOfRangeException>(() => can.Tile(picture, 8, 8, sigma: float.NaN));
        Assert.Throws<ModelConfigException>(() => new ModelConfig { NoiseLevelInput = true }.Validated());
    }
}
