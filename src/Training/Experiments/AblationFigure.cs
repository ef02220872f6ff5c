using DenoiseService.Training.Experiments.Figures;

namespace DenoiseService.Training.Experiments;

internal static class AblationFigure
{
    /// <summary>PSNR and SSIM of every network beside each other, with the standard deviation over seeds and the noisy input as a line.</summary>
    public static void Draw(AblationResult result, ExperimentFolder folder) => FigureFile.Save(Panel(result), folder, "ablation", 1300, 170 + 42 * result.Rows.Count);

    internal static GridPanel Panel(AblationResult result)
    {
        // An input without noise has an infinite PSNR, which no line can show.
        (double, string)? noisy = double.IsFinite(result.NoisyPsnr) ? (result.NoisyPsnr, "noisy input") : null;
        string[] labels = result.Rows.Select(r => r.Label).ToArray();
        var psnr = new BarPanel("PSNR", "PSNR in dB", labels, [new BarSeries("PSNR", result.Rows.Select(r => r.Psnr.Mean).ToArray(), result.Rows.Select(r => r.PsnrSeedSd).ToArray())])
        {
            Lying = true, FromZero = false, Format = "F2", Reference = noisy,
        };
        var ssim = new BarPanel("SSIM", "SSIM", [.. labels.Select(_ => "")], [new BarSeries("SSIM", result.Rows.Select(r => r.Ssim.Mean).ToArray(), result.Rows.Select(SeedSd).ToArray())])
        {
            Lying = true, FromZero = false, Format = "F3", Reference = (result.Rows[0].Runs[0].Rows[0].NoisySsim.Mean, "noisy input"),
        };
        return new GridPanel(2, [psnr, ssim]) { Widths = [1.6, 1] };

        static double SeedSd(AblationRow row) => Statistics.SampleSd(row.Runs.Select(r => r.Rows[0].Ssim.Mean).ToArray());
    }
}
