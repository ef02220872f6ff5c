using DenoiseService.Model;

namespace DenoiseService.Training.Tests;

/// <summary>The weights in models/ on this repository's own small pictures, which they were not trained on (numbers over whole sets: docs/RESULTS.md).</summary>
public sealed class ShippedModelTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void It_cleans_every_noise_level_and_leaves_clean_pictures_alone()
    {
        // Both pictures are sharp enough to be a reference; the JPEG has its own artefacts.
        foreach (string name in new[] { "osprey.png", "chelsea.png" }) File.Copy(Path.Combine(AppContext.BaseDirectory, "data", name), _folder.File(name));
        var (network, card) = Checkpoint.Load(Weights);
        Assert.True(card.Config.Residual);
        Assert.True(card.Config.Parameters <= 599_689);
        using var denoiser = new Denoiser(network);
        double[] levels = [0, 5, 15, 25, 50, 75];
        var protocol = new EvaluationProtocol(_folder.Path, null, levels.Select(l => l / 255).ToArray(), Clamp: true, RoundTo8Bit: true, Seed: 1);
        IReadOnlyList<EvaluationRow> rows = Evaluation.Run(denoiser, protocol, TimeProvider.System).Rows;
        Assert.True(rows[0].Psnr.Mean > 40, $"clean: {rows[0].Psnr.Mean} dB");
        Assert.All(rows.Skip(1), row => Assert.True(row.Psnr.Mean > row.NoisyPsnr.Mean, $"σ {row.Sigma * 255:F0}: {row.NoisyPsnr.Mean} → {row.Psnr.Mean} dB"));
        Assert.True(rows[3].Psnr.Mean > rows[3].NoisyPsnr.Mean + 8, $"σ 25: {rows[3].NoisyPsnr.Mean} → {rows[3].Psnr.Mean} dB");
    }

    [Fact]
    public void Its_card_says_how_it_was_made()
    {
        CheckpointCard card = Checkpoint.ReadCard(Weights);
        Assert.NotNull(card.Training["recipe"]!["seed"]);
        Assert.NotNull(card.Training["dataSha256"]);
        Assert.NotEmpty(card.Metrics);
        Assert.True(new FileInfo(Weights).Length < 5 << 20);
    }

    private static string Weights => Path.Combine(AppContext.BaseDirectory, "models", "denoise-small.safetensors");
}
