using System.Globalization;

namespace DenoiseService.Training.Experiments;

/// <summary>
/// Scores of filters that need no training, measured once with scripts/classical-filters.py and checked in: the floor under the networks. They hold for
/// the images that they were measured on, which their sha256 names; on any others there is no floor.
/// </summary>
public static class ClassicalFilters
{
    private static readonly Lazy<IReadOnlyList<Row>> Measured = new(Read);

    /// <summary>Where the numbers come from, for a report.</summary>
    public static string Source => "Classical filters: scikit-image 0.19.3 (Debian's python3-skimage), told σ, the one free number of each chosen at every level by the mean PSNR on these very images, which favours them; run once with `scripts/classical-filters.py`.";

    /// <summary>Every filter that was measured on these images at some of these levels; NaN where it was not.</summary>
    /// <param name="dataSha256">Of the images' 8-bit samples, planar, one image after the other.</param>
    /// <param name="clamped">Whether noisy images were clamped to [0, 1].</param>
    /// <param name="sigmas">In units of 1.</param>
    public static IReadOnlyList<RobustnessSeries> On(string dataSha256, bool clamped, IReadOnlyList<double> sigmas) => Measured.Value
        .Where(r => r.DataSha256 == dataSha256 && r.Clamped == clamped)
        .GroupBy(r => r.Filter)
        .Select(filter =>
        {
            Row?[] rows = sigmas.Select(s => filter.FirstOrDefault(r => Math.Abs(r.Sigma - s) < 1e-5)).ToArray();
            return new RobustnessSeries(filter.Key, rows.Select(r => r?.Psnr ?? new MeanSd(double.NaN, double.NaN)).ToArray(), rows.Select(_ => double.NaN).ToArray(), rows.Select(r => r?.Ssim ?? double.NaN).ToArray());
        })
        .Where(series => series.Psnr.Any(p => !double.IsNaN(p.Mean)))
        .ToArray();

    /// <summary>The same for what an evaluation looks at; none where its noise is not white.</summary>
    public static IReadOnlyList<RobustnessSeries> On(string dataSha256, EvaluationProtocol protocol) => protocol.Noise == NoiseKind.White ? On(dataSha256, protocol.Clamp, protocol.Sigmas) : [];

    private sealed record Row(string DataSha256, bool Clamped, double Sigma, string Filter, MeanSd Psnr, double Ssim);

    private static Row[] Read()
    {
        using Stream stream = typeof(ClassicalFilters).Assembly.GetManifestResourceStream("classical-filters.csv")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(line => line.Split(',')).Select(cells => new Row(
            cells[0], cells[1] == "clamped", Number(cells[2]), cells[3], new MeanSd(Number(cells[6]), Number(cells[7])), Number(cells[8]))).ToArray();

        static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
    }
}
