using DenoiseService.Imaging;
using DenoiseService.Model;
using DenoiseService.Training.Data;
using DenoiseService.Training.Experiments;

namespace DenoiseService.Training.Tests;

public sealed class EvaluationTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_noisy_input_has_the_psnr_that_its_sigma_says()
    {
        WriteCifar(20);
        EvaluationRow row = Run(new EvaluationProtocol(_folder.Path, null, [0.1], Clamp: false, RoundTo8Bit: false, Seed: 1));
        Assert.Equal(20, row.Images);
        Assert.Equal(20, row.NoisyPsnr.Mean, 0.1); // −20·log₁₀ 0.1
    }

    [Fact]
    public void Clamping_raises_the_psnr_of_the_noisy_input()
    {
        WriteCifar(20);
        EvaluationProtocol open = new(_folder.Path, null, [0.3], Clamp: false, RoundTo8Bit: false, Seed: 1);
        Assert.True(Run(open with { Clamp = true }).NoisyPsnr.Mean > Run(open).NoisyPsnr.Mean + 0.3);
    }

    [Fact]
    public void The_same_seed_measures_the_same_and_a_picture_keeps_its_noise_in_any_range()
    {
        WriteCifar(20);
        EvaluationProtocol all = new(_folder.Path, null, [0.2], Clamp: true, RoundTo8Bit: true, Seed: 3);
        Assert.Equal(Run(all), Run(all));
        double[] singles = Enumerable.Range(0, 20).Select(i => Run(all with { Range = new IndexRange(i, i) }).NoisyPsnr.Mean).ToArray();
        Assert.Equal(Run(all).NoisyPsnr.Mean, singles.Average(), 1e-9);
    }

    [Fact]
    public void A_folder_of_pictures_is_measured_grey_and_colour()
    {
        var random = new Random(1);
        foreach ((string name, int channels) in new[] { ("a.png", 3), ("b.png", 1) })
        {
            float[] samples = Enumerable.Range(0, channels * 20 * 30).Select(_ => 0.4f + random.NextSingle() * 0.1f).ToArray();
            File.WriteAllBytes(_folder.File(name), ImageCodec.Encode(new Picture(samples, channels, 20, 30), ImageFormat.Png));
        }

        EvaluationRow row = Run(new EvaluationProtocol(_folder.Path, null, [0.1], Clamp: false, RoundTo8Bit: false, Seed: 1));
        Assert.Equal(2, row.Images);
        Assert.Equal(20, row.NoisyPsnr.Mean, 0.3);
    }

    [Fact]
    public void A_range_beyond_the_folder_is_refused()
    {
        File.WriteAllBytes(_folder.File("a.png"), ImageCodec.Encode(new Picture(new float[3 * 64], 3, 8, 8), ImageFormat.Png));
        Assert.Throws<DataSetException>(() => Run(new EvaluationProtocol(_folder.Path, new IndexRange(0, 1), [0.1], false, false, 1)));
    }

    [Fact]
    public void A_network_that_can_be_told_the_noise_level_is_and_another_is_refused()
    {
        WriteCifar(2);
        EvaluationProtocol blind = new(_folder.Path, null, [0.2], Clamp: true, RoundTo8Bit: false, Seed: 1), told = blind with { Told = true };
        Assert.Equal("Told", Assert.Throws<RecipeException>(() => Run(told)).Field);
        ModelConfig config = Small.Told with { TileSide = 8 };
        Assert.NotEqual(Run(blind, config).Psnr, Run(told, config).Psnr);
        Assert.Equal(Run(blind, config).NoisyPsnr, Run(told, config).NoisyPsnr);
    }

    [Fact]
    public void Noise_may_be_smoothed_and_its_level_told_as_a_multiple()
    {
        WriteCifar(20);
        EvaluationProtocol white = new(_folder.Path, null, [0.1], Clamp: false, RoundTo8Bit: false, Seed: 1), smoothed = white with { Noise = NoiseKind.Smoothed };
        ModelConfig config = Small.Told with { TileSide = 8 };
        Assert.Equal(20, Run(smoothed).NoisyPsnr.Mean, 0.1);
        Assert.NotEqual(Run(white).NoisyPsnr, Run(smoothed).NoisyPsnr);
        Assert.NotEqual(Run(smoothed with { Told = true }, config).Psnr, Run(smoothed with { Told = true, ToldFactor = 2 }, config).Psnr);
        Assert.Equal("Gaussian, not clamped", white.DescribeNoise());
        Assert.Equal("Gaussian, smoothed, clamped to [0, 1], 1.5 times its level told", (smoothed with { Clamp = true, Told = true, ToldFactor = 1.5 }).DescribeNoise());
        Assert.Equal("ToldFactor", Assert.Throws<RecipeException>(() => (white with { ToldFactor = 0 }).Validated()).Field);
        Assert.Equal("ToldFactor", Assert.Throws<RecipeException>(() => (white with { ToldFactor = 1.5 }).Validated()).Field);
        Assert.Equal(1.5, (white with { Told = true, ToldFactor = 1.5 }).Validated().ToldFactor);
        Assert.Equal("Noise", Assert.Throws<RecipeException>(() => (white with { Noise = (NoiseKind)7 }).Validated()).Field);
    }

    [Fact]
    public void A_report_states_what_decided_its_numbers_and_its_tables_hold_them()
    {
        WriteCifar(2);
        SmallViT network = SmallViT.WithSeed(ModelConfig.Photographs with { Width = 16, Heads = 2, FeedForwardWidth = 16, RouterWidth = 8, StemPairs = 1, HalfWidth = 4 }, 5);
        network.eval();
        using var denoiser = new Denoiser(network, new DenoiserOptions { Overlap = 4, MaxTileSide = 100, Precision = Precision.BFloat16 });
        EvaluationReport report = Evaluation.Report(denoiser, "small", "00", new EvaluationProtocol(_folder.Path, null, [0.1, 0.2]), TimeProvider.System, "cifar");
        Assert.Equal((4, 96, Precision.BFloat16, "cifar"), (report.Overlap, report.MaxTileSide, report.Precision, report.Protocol.Data)); // groups of four tokens of 4 pixels
        Assert.Equal("mode normal, tiles of up to 96 pixels a side that share 4, BFloat16", report.DescribeRun());

        ReportTable scores = Assert.Single(EvaluationTables.Of(report));
        Assert.Equal(2, scores.Rows.Count);
        Assert.Equal(("σ·255", "25.5"), (scores.Columns[1], scores.Rows[0][1]));
        Assert.Contains(" ± ", scores.Rows[0][4], StringComparison.Ordinal);
        EvaluationRow perfect = report.Rows[0] with { Psnr = MeanSd.Of([40, double.PositiveInfinity]) };
        Assert.Equal("Infinity", EvaluationTables.Of(report with { Rows = [perfect] })[0].Rows[0][4]); // and no deviation, which it has not
        var median = new RobustnessSeries("median", [new MeanSd(20, 1), new MeanSd(double.NaN, double.NaN)], [double.NaN, double.NaN], [0.5, double.NaN]);
        Assert.Equal("median|20.00|", string.Join('|', EvaluationTables.Of(report with { Classical = [median] })[1].Rows.Single()));
    }

    [Fact]
    public void The_least_psnr_is_given_and_perfect_results_are_counted()
    {
        WriteCifar(5);
        EvaluationProtocol clean = new(_folder.Path, null, [0], Clamp: true, RoundTo8Bit: true, Seed: 1);
        EvaluationRow untouched = Run(clean, Small.Told with { TileSide = 8 }, fresh: true), changed = Run(clean);
        Assert.Equal((5, 0), (untouched.Perfect, changed.Perfect));
        Assert.True(untouched.LeastPsnr > 120, $"{untouched.LeastPsnr} dB");
        Assert.Equal(Enumerable.Range(0, 5).Min(i => Run(clean with { Range = new IndexRange(i, i) }).Psnr.Mean), changed.LeastPsnr!.Value, 1e-9);
    }

    private static EvaluationRow Run(EvaluationProtocol protocol, ModelConfig? config = null, bool fresh = false)
    {
        TorchSharp.torch.random.manual_seed(5);
        var network = new SmallViT(config ?? Small.Model);
        if (!fresh)
        {
            using var noGrad = TorchSharp.torch.no_grad();
            foreach (TorchSharp.Modules.Parameter p in network.parameters()) p.add_(TorchSharp.torch.full(p.shape, 0.01f)); // a last layer that starts as zero would hide everything
        }

        using var denoiser = new Denoiser(network, new DenoiserOptions { Overlap = 4 });
        return Assert.Single(Evaluation.Run(denoiser, protocol, TimeProvider.System).Rows);
    }

    private void WriteCifar(int count)
    {
        var random = new Random(1);
        var bytes = new byte[count * 3073];
        for (int i = 0; i < bytes.Length; i++) bytes[i] = (byte)(60 + random.Next(130));
        File.WriteAllBytes(_folder.File("data_batch_1.bin"), bytes);
    }
}
