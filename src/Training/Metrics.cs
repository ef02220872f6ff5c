namespace DenoiseService.Training;

/// <summary>PSNR and SSIM as scikit-image defines them, data range 1, in double precision.</summary>
public static class Metrics
{
    /// <summary>Side of the window of SSIM in pixels.</summary>
    public const int Window = 7;

    private const double C1 = 0.01 * 0.01, C2 = 0.03 * 0.03;

    /// <summary>Mean squared error over all samples.</summary>
    public static double Mse(ReadOnlySpan<float> reference, ReadOnlySpan<float> image)
    {
        if (reference.Length != image.Length || reference.Length == 0) throw new ArgumentException($"{reference.Length} samples cannot be compared with {image.Length}.");
        double sum = 0;
        for (int i = 0; i < reference.Length; i++)
        {
            double difference = (double)reference[i] - image[i];
            sum += difference * difference;
        }

        return sum / reference.Length;
    }

    /// <summary>Peak signal-to-noise ratio in dB over all channels together; +∞ for equal images.</summary>
    public static double Psnr(ReadOnlySpan<float> reference, ReadOnlySpan<float> image) => -10 * Math.Log10(Mse(reference, image));

    /// <summary>Luma of BT.601: 0.299 R + 0.587 G + 0.114 B. Grey passes through.</summary>
    /// <param name="samples">Planar (C, H, W), C = 1 or 3.</param>
    /// <param name="pixels">H·W.</param>
    public static float[] Luma(ReadOnlySpan<float> samples, int pixels)
    {
        if (samples.Length == pixels) return samples.ToArray();
        var luma = new float[pixels];
        for (int i = 0; i < pixels; i++) luma[i] = (float)(0.299 * samples[i] + 0.587 * samples[pixels + i] + 0.114 * samples[2 * pixels + i]);
        return luma;
    }

    /// <summary>
    /// Structural similarity: 7×7 uniform window, K1 0.01, K2 0.03, sample covariance, borders of half a window left out, mean over pixels and channels.
    /// </summary>
    /// <param name="reference">Planar (C, H, W) in [0, 1].</param>
    /// <param name="image">Same shape.</param>
    /// <param name="height">H ≥ 7.</param>
    /// <param name="width">W ≥ 7.</param>
    public static double Ssim(ReadOnlySpan<float> reference, ReadOnlySpan<float> image, int height, int width)
    {
        if (height < Window || width < Window) throw new ArgumentException($"SSIM needs at least {Window} × {Window} pixels, not {height} × {width}.");
        int pixels = height * width, channels = reference.Length / pixels;
        if (reference.Length != image.Length || channels * pixels != reference.Length) throw new ArgumentException($"{reference.Length} and {image.Length} samples are not planes of {height} × {width}.");
        double sum = 0;
        for (int c = 0; c < channels; c++) sum += PlaneSsim(reference.Slice(c * pixels, pixels), image.Slice(c * pixels, pixels), height, width);
        return sum / channels;
    }

    private static double PlaneSsim(ReadOnlySpan<float> x, ReadOnlySpan<float> y, int height, int width)
    {
        const double count = Window * Window, unbiased = count / (count - 1);
        double total = 0;
        // Column sums over the window's rows, moved down row by row; then a running sum across.
        var columns = new Moments[width];
        for (int row = 0; row < height; row++)
        {
            for (int i = 0; i < width; i++)
            {
                columns[i].Add(x[row * width + i], y[row * width + i], 1);
                if (row >= Window) columns[i].Add(x[(row - Window) * width + i], y[(row - Window) * width + i], -1);
            }

            if (row < Window - 1) continue;
            var window = default(Moments);
            for (int i = 0; i < width; i++)
            {
                window.Add(columns[i], 1);
                if (i >= Window) window.Add(columns[i - Window], -1);
                if (i < Window - 1) continue;
                double ux = window.X / count, uy = window.Y / count;
                double vx = unbiased * (window.Xx / count - ux * ux), vy = unbiased * (window.Yy / count - uy * uy), vxy = unbiased * (window.Xy / count - ux * uy);
                total += (2 * ux * uy + C1) * (2 * vxy + C2) / ((ux * ux + uy * uy + C1) * (vx + vy + C2));
            }
        }

        return total / ((height - Window + 1) * (double)(width - Window + 1));
    }

    private struct Moments
    {
        public double X, Y, Xx, Yy, Xy;

        public void Add(double x, double y, int sign)
        {
            X += sign * x;
            Y += sign * y;
            Xx += sign * x * x;
            Yy += sign * y * y;
            Xy += sign * x * y;
        }

        public void Add(in Moments other, int sign)
        {
            X += sign * other.X;
            Y += sign * other.Y;
            Xx += sign * other.Xx;
            Yy += sign * other.Yy;
            Xy += sign * other.Xy;
        }
    }
}

/// <summary>Mean and population standard deviation.</summary>
/// <param name="Mean">Of the values.</param>
/// <param name="Sd">Of the values; NaN where one is infinite, as the PSNR of a perfect picture is.</param>
public readonly record struct MeanSd(double Mean, double Sd)
{
    /// <summary>Of at least one value.</summary>
    public static MeanSd Of(IReadOnlyCollection<double> values)
    {
        double mean = values.Average();
        return new MeanSd(mean, Math.Sqrt(values.Average(v => (v - mean) * (v - mean))));
    }
}
