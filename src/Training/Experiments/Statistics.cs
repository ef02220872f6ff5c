namespace DenoiseService.Training.Experiments;

/// <summary>Small statistics that several experiments use.</summary>
internal static class Statistics
{
    /// <summary>With n − 1; NaN for fewer than two values.</summary>
    public static double SampleSd(IReadOnlyCollection<double> values)
    {
        double mean = values.Count == 0 ? 0 : values.Average();
        return values.Count < 2 ? double.NaN : Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / (values.Count - 1));
    }

    /// <summary>Pearson's correlation; NaN where one side does not vary.</summary>
    public static double Correlation(IReadOnlyList<double> a, IReadOnlyList<double> b)
    {
        double meanA = a.Average(), meanB = b.Average(), ab = 0, aa = 0, bb = 0;
        for (int i = 0; i < a.Count; i++)
        {
            ab += (a[i] - meanA) * (b[i] - meanB);
            aa += (a[i] - meanA) * (a[i] - meanA);
            bb += (b[i] - meanB) * (b[i] - meanB);
        }

        return aa > 0 && bb > 0 ? ab / Math.Sqrt(aa * bb) : double.NaN;
    }

    /// <summary>Slope of the least-squares line through (log x, log y): the exponent of a power law.</summary>
    public static double Exponent(IReadOnlyList<double> x, IReadOnlyList<double> y)
    {
        double[] logX = x.Select(v => Math.Log(v)).ToArray(), logY = y.Select(v => Math.Log(v)).ToArray();
        double meanX = logX.Average(), meanY = logY.Average();
        return logX.Zip(logY, (a, b) => (a - meanX) * (b - meanY)).Sum() / logX.Sum(a => (a - meanX) * (a - meanX));
    }
}
