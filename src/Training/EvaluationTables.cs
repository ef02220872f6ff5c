using System.Globalization;
using DenoiseService.Training.Experiments;

namespace DenoiseService.Training;

/// <summary>An evaluation as people read it: the same tables on the console and in the report of a job.</summary>
public static class EvaluationTables
{
    /// <summary>The scores, then the filters without training, if they were measured on these pictures.</summary>
    public static IReadOnlyList<ReportTable> Of(EvaluationReport report) => report.Classical.Count > 0 ? [Scores(report), Classical(report)] : [Scores(report)];

    private static ReportTable Scores(EvaluationReport report)
    {
        var table = new ReportTable("Scores", ["σ", "σ·255", "images", "noisy dB", "result dB", "least dB", "perfect", "result Y dB", "noisy SSIM", "result SSIM"]);
        foreach (EvaluationRow row in report.Rows)
        {
            table.Add(
                Text(row.Sigma, "0.####"), Text(row.Sigma * 255, "0.#"), row.Images, Text(row.NoisyPsnr.Mean, "F2"), Text(row.Psnr, "F2"), Text(row.LeastPsnr ?? double.NaN, "F2"), row.Perfect,
                Text(row.PsnrY.Mean, "F2"), Text(row.NoisySsim.Mean, "F4"), Text(row.Ssim, "F4"));
        }

        return table;
    }

    private static ReportTable Classical(EvaluationReport report)
    {
        var table = new ReportTable("Filters without training, PSNR in dB", ["filter", .. report.Protocol.Sigmas.Select(s => $"σ·255 = {Text(s * 255, "0.#")}")]);
        foreach (RobustnessSeries series in report.Classical) table.Add([series.Name, .. series.Psnr.Select(p => double.IsNaN(p.Mean) ? "" : Text(p.Mean, "F2"))]);
        return table;
    }

    private static string Text(MeanSd value, string format) => double.IsNaN(value.Sd) ? Text(value.Mean, format) : $"{Text(value.Mean, format)} ± {Text(value.Sd, format)}";

    private static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
