using TorchSharp;
using static TorchSharp.torch;

namespace DenoiseService.Model.Tests;

/// <summary>A network that reads σ, told or estimated, and one that does not.</summary>
public sealed class NoiseLevelTests
{
    private static readonly ModelConfig Told = Networks.Photographs;

    [Fact]
    public void What_a_network_is_not_told_it_estimates_and_reads_like_what_it_is_told()
    {
        using var scope = NewDisposeScope();
        using SmallViT network = Networks.Trained(Told);
        using var inference = inference_mode();
        Tensor image = rand(3, 3, 48, 48);
        Tensor estimates = NoiseEstimator.Level(network.Noise!.call(image)); // (3)
        Assert.Equal(3, estimates.data<float>().ToArray().Distinct().Count());
        float[] estimated = Networks.Read(network.call(image).Image);
        Assert.Equal(estimated, Networks.Read(network.call(NoiseLevel.Beside(image, estimates)).Image));
        float[] mixed = Networks.Read(network.call(NoiseLevel.Beside(image, tensor([NoiseLevel.Unknown, 0.3f, NoiseLevel.Unknown]))).Image);
        int size = mixed.Length / 3;
        Assert.Equal(estimated[..size], mixed[..size]);
        Assert.Equal(estimated[(2 * size)..], mixed[(2 * size)..]);
        Assert.NotEqual(estimated[size..(2 * size)], mixed[size..(2 * size)]);
    }

    [Fact]
    public void A_level_survives_its_logarithm_and_a_network_that_reads_none_has_no_loss_of_it()
    {
        using var scope = NewDisposeScope();
        using SmallViT blind = Networks.Trained(Told with { NoiseLevelInput = false });
        using var inference = inference_mode();
        float[] levels = [0f, 0.002f, 0.1f, 0.35f];
        Assert.InRange(Numbers.LargestDifference(levels, NoiseEstimator.Level(NoiseEstimator.Logarithm(tensor(levels))).data<float>().ToArray()), 0, 1e-6);
        Assert.Null(blind.NoiseLoss(rand(4, 3, 32, 32), tensor(levels)));
    }

    [Theory]
    [InlineData(16, 1)]
    [InlineData(32, 1)]
    [InlineData(64, 4)]
    [InlineData(80, 4)]
    public void Estimates_are_judged_by_their_logarithms_too_low_ones_thrice_and_those_of_parts_like_the_whole(int side, int parts)
    {
        using var scope = NewDisposeScope();
        using SmallViT network = Networks.Trained(Told);
        using var inference = inference_mode();
        int part = Math.Min(side, 32);
        float[] levels = [0f, 0.35f];
        Tensor image = rand(2, 3, side, side);
        double[] whole = [.. levels.Index().Select(l => Off(image.narrow(0, l.Index, 1), l.Item))];
        double[] ofParts = [.. from l in levels.Index() from y in Enumerable.Range(0, side / part) from x in Enumerable.Range(0, side / part)
            select Off(image.narrow(0, l.Index, 1).narrow(2, y * part, part).narrow(3, x * part, part), l.Item)];
        Assert.Equal(2 * parts, ofParts.Length);
        Assert.Equal((whole.Average() + ofParts.Average()) / 2, network.NoiseLoss(image, tensor(levels))!.item<float>(), 1e-4);

        double Off(Tensor alone, float level)
        {
            double off = network.Noise!.call(alone).item<float>() - Math.Log(1 + 255 * level);
            return off * off * (off < 0 ? 3 : 1);
        }
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

    /// <summary>In float64 the library has other convolutions: those for float32 on AVX2 read unwritten memory where channels are missing of the last eight.</summary>
    [Fact, Trait("Uses", "Vectors")]
    public void The_estimate_is_what_other_convolutions_give_whatever_is_in_memory()
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using var estimator = new NoiseEstimator();
        using var exact = new NoiseEstimator();
        exact.load_state_dict(estimator.state_dict());
        exact.to(ScalarType.Float64);
        Tensor image = rand(1, 3, 128, 128);
        float expected = (float)exact.call(image.to(ScalarType.Float64)).item<double>();
        for (int run = 0; run < 10; run++)
        {
            using (var garbage = NewDisposeScope())
            {
                foreach (long side in new long[] { 32, 64, 128 }) full([1, 16, side, side], float.NaN); // freed at once, and handed out again
            }

            Assert.Equal(expected, estimator.call(image).item<float>(), 1e-4f);
        }
    }
}
