using DenoiseService.Model;

namespace DenoiseService.Training.Tests;

/// <summary>The weights in models/ on this repository's own small pictures, which they were not trained on (numbers over whole sets: docs/RESULTS.md).</summary>
public sealed class ShippedModelTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_default_cleans_every_noise_level_and_leaves_clean_pictures_alone()
    {
        CheckpointCard card = Checkpoint.ReadCard(Weights("denoise-small"));
        Assert.True(card.Config.Residual);
        Assert.True(card.Config.Parameters <= 599_689);
        IReadOnlyList<EvaluationRow> rows = Rows("denoise-small", 0, 2, 5, 15, 25, 50, 75);
        Assert.True(rows[0].Psnr.Mean > 45, $"clean: {rows[0].Psnr.Mean} dB");
        Assert.All(rows.Skip(1), row => Assert.True(row.Psnr.Mean > row.NoisyPsnr.Mean, $"σ {row.Sigma * 255:F0}: {row.NoisyPsnr.Mean} → {row.Psnr.Mean} dB"));
        Assert.True(rows[4].Psnr.Mean > rows[4].NoisyPsnr.Mean + 9, $"σ 25: {rows[4].NoisyPsnr.Mean} → {rows[4].Psnr.Mean} dB");
    }

    /// <summary>Noise this faint may be the picture's own grain. An 8-bit picture has the rounding's 1/12 beside it, and the clamp takes a little away.</summary>
    [Fact]
    public void The_default_does_no_harm_where_noise_is_hardly_there() =>
        Assert.All(Rows("denoise-small", 0.5, 1, 1.5), row =>
        {
            double level = 255 * row.Sigma, rounded = 10 * Math.Log10(255 * 255 / ((level * level) + (1 / 12.0)));
            Assert.True(row.Psnr.Mean > rounded - 0.1, $"σ {level}: {rounded} → {row.Psnr.Mean} dB");
        });

    /// <summary>As demosaicing and downscaling leave it: white noise smoothed by [1 2 1] / 4 in both directions, σ·255 = 20 afterwards.</summary>
    [Fact]
    public void The_default_sees_noise_that_is_correlated_between_pixels_and_removes_much_of_it()
    {
        var (network, _) = Checkpoint.Load(Weights("denoise-small"));
        using var denoiser = new Denoiser(network);
        (float[] clean, int height, int width) = Training.Data.PhotographFolder.ReadColour(Path.Combine(AppContext.BaseDirectory, "data", "chelsea.png"));
        float[] white = Noise.Add(new float[clean.Length], 1, clamp: false, seed: 1), noisy = new float[clean.Length];
        for (int i = 0; i < noisy.Length; i++)
        {
            int plane = i / (height * width) * height * width, y = i % (height * width) / width, x = i % width;
            double smoothed = 0;
            for (int dy = -1; dy <= 1; dy++)
            {
                for (int dx = -1; dx <= 1; dx++) smoothed += (2 - Math.Abs(dy)) * (2 - Math.Abs(dx)) / 16.0 * white[plane + Math.Clamp(y + dy, 0, height - 1) * width + Math.Clamp(x + dx, 0, width - 1)];
            }

            noisy[i] = (float)Math.Clamp(clean[i] + smoothed * (20 / 255.0 / 0.375), 0, 1); // smoothing left 3/8 of the deviation
        }

        float[] result = (float[])noisy.Clone();
        denoiser.Denoise(result, height, width);
        double before = Metrics.Psnr(clean, noisy), after = Metrics.Psnr(clean, result);
        Assert.True(after > before + 3, $"{before} → {after} dB");
    }

    [Theory]
    [InlineData("report-fixed", new double[] { 51 })]
    [InlineData("report-variable", new double[] { 38, 51, 76 })]
    public void The_reports_own_network_cleans_the_noise_that_it_was_trained_on(string name, double[] levels)
    {
        ModelConfig config = Checkpoint.ReadCard(Weights(name)).Config;
        Assert.Equal((599_689, false, 0), (config.Parameters, config.Residual, config.WindowSide));
        Assert.All(Rows(name, levels), row => Assert.True(row.Psnr.Mean > row.NoisyPsnr.Mean + 4, $"σ {row.Sigma * 255:F0}: {row.NoisyPsnr.Mean} → {row.Psnr.Mean} dB"));
    }

    [Fact]
    public void Every_card_says_how_its_weights_were_made()
    {
        string[] all = Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "models"), "*.safetensors");
        Assert.Equal(["denoise-small", "report-fixed", "report-variable"], all.Select(Path.GetFileNameWithoutExtension).Order());
        foreach (string weights in all)
        {
            CheckpointCard card = Checkpoint.ReadCard(weights);
            Assert.NotNull(card.Training["recipe"]!["seed"]);
            Assert.NotNull(card.Training["dataSha256"]);
            Assert.NotEmpty(card.Metrics);
            Assert.All(card.Training["recipe"]!["data"]!.AsArray(), source => Assert.False(Path.IsPathRooted((string)source!["path"]!), "A card names no folder of a machine."));
            Assert.True(new FileInfo(weights).Length < 5 << 20);
        }
    }

    private IReadOnlyList<EvaluationRow> Rows(string model, params double[] levels)
    {
        // Both pictures are sharp enough to be a reference; the JPEG has its own artefacts.
        foreach (string name in new[] { "osprey.png", "chelsea.png" }) File.Copy(Path.Combine(AppContext.BaseDirectory, "data", name), _folder.File(name));
        var (network, _) = Checkpoint.Load(Weights(model));
        using var denoiser = new Denoiser(network);
        var protocol = new EvaluationProtocol(_folder.Path, null, levels.Select(l => l / 255).ToArray(), Clamp: true, RoundTo8Bit: true, Seed: 1);
        return Evaluation.Run(denoiser, protocol, TimeProvider.System).Rows;
    }

    private static string Weights(string name) => Path.Combine(AppContext.BaseDirectory, "models", name + ".safetensors");
}
