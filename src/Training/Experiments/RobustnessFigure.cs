using DenoiseService.Training.Experiments.Figures;

namespace DenoiseService.Training.Experiments;

internal static class RobustnessFigure
{
    /// <summary>PSNR over σ of both networks, the input and the classical filters; error bars are over seeds.</summary>
    public static (string Name, string Caption)[] Draw(RobustnessResult result, ExperimentFolder folder)
    {
        FigureFile.Save(Panel(result), folder, "robustness", 1000, 640);
        return [("robustness", "PSNR over the noise level; error bars: standard deviation over seeds")];
    }

    internal static LinePanel Panel(RobustnessResult result)
    {
        IReadOnlyList<double> sigmas = result.Record.Sigmas;
        // The networks first: they have the strongest colours.
        RobustnessSeries[] series = [.. new[] { result.Fixed, result.Variable }.OfType<RobustnessSeries>(), .. result.Classical];
        return new LinePanel(
            "Robustness over noise levels", "σ of the noise", "PSNR in dB",
            [.. series.Select(s => new LineSeries(s.Name, sigmas, s.Psnr.Select(p => p.Mean).ToArray(), s.SeedSd)), new LineSeries(result.Noisy.Name, sigmas, result.Noisy.Psnr.Select(p => p.Mean).ToArray()) { Dashed = true }]);
    }
}
