using System.Security.Cryptography;
using DenoiseService.Model;
using DenoiseService.Training.Data;
using DenoiseService.Training.Experiments;

namespace DenoiseService.Training;

/// <summary>Which pictures with which noise an evaluation looks at.</summary>
/// <param name="Data">Folder: CIFAR-10 archive or pictures.</param>
/// <param name="Range">Records of the archive, or pictures of the folder in ordinal order; all if null.</param>
/// <param name="Sigmas">Noise levels in units of 1, not of 255; 0 is the clean picture.</param>
/// <param name="Clamp">Noisy pictures are clamped to [0, 1].</param>
/// <param name="RoundTo8Bit">Results are rounded to multiples of 1/255 before they are measured.</param>
/// <param name="Seed">Of the noise; every picture and level has its own, derived from it.</param>
/// <param name="Mode">How often the network looks at every tile.</param>
/// <param name="Told">The network is told each picture's noise level; otherwise it works blind.</param>
/// <param name="ToldFactor">What it is told, as a multiple of the noise's standard deviation, but at most 1; correlated noise goes best if told 1.5 to 2 times its level. Above 0, up to 10; only where it is told.</param>
/// <param name="Noise">How the noise of neighbouring pixels hangs together.</param>
public sealed record EvaluationProtocol(string Data, IndexRange? Range, IReadOnlyList<double> Sigmas, bool Clamp = false, bool RoundTo8Bit = false, long Seed = 1, DenoiseMode Mode = DenoiseMode.Normal, bool Told = false, double ToldFactor = 1, NoiseKind Noise = NoiseKind.White)
{
    /// <summary>This, if its noise levels and the factor are in their ranges and its mode and noise are known ones.</summary>
    /// <exception cref="RecipeException">They are not.</exception>
    public EvaluationProtocol Validated()
    {
        if (Sigmas.Count is < 1 or > 100 || !Sigmas.All(s => s is >= 0 and <= 1)) throw new RecipeException(nameof(Sigmas), FormattableString.Invariant($"Sigmas is [{string.Join(", ", Sigmas)}]; it must hold 1 to 100, each 0 to 1."));
        if (ToldFactor is not (> 0 and <= 10)) throw new RecipeException(nameof(ToldFactor), FormattableString.Invariant($"ToldFactor is {ToldFactor}; it must be above 0, up to 10."));
        if (!Told && ToldFactor != 1) throw new RecipeException(nameof(ToldFactor), FormattableString.Invariant($"ToldFactor is {ToldFactor}; it must be 1 where the network is not told the noise level (Told)."));
        if (!Enum.IsDefined(Noise)) throw new RecipeException(nameof(Noise), $"Noise is {Noise}; it must be {NoiseKind.White} or {NoiseKind.Smoothed}.");
        return Enum.IsDefined(Mode) ? this : throw new RecipeException(nameof(Mode), $"Mode is {Mode}; it must be {DenoiseMode.Normal} or {DenoiseMode.High}.");
    }

    /// <summary>For a report: which noise, and whether the network is told its level.</summary>
    public string DescribeNoise() =>
        FormattableString.Invariant($"Gaussian{(Noise == NoiseKind.Smoothed ? ", smoothed" : "")}, {(Clamp ? "clamped to [0, 1]" : "not clamped")}{(!Told ? "" : ToldFactor == 1 ? ", its level told" : $", {ToldFactor} times its level told")}");
}

/// <summary>What came out at one noise level: means and standard deviations over pictures. PSNR in dB over RGB together, and over BT.601 luma.</summary>
/// <param name="Sigma">In units of 1.</param>
/// <param name="Images">How many.</param>
/// <param name="NoisyPsnr">Of the input.</param>
/// <param name="Psnr">Of the result.</param>
/// <param name="PsnrY">Of the result's luma.</param>
/// <param name="Ssim">Of the result, mean over channels.</param>
/// <param name="NoisySsim">Of the input.</param>
/// <param name="LeastPsnr">Of the result that is worst; null in records from before it was measured.</param>
/// <param name="Perfect">How many results are the clean picture itself, no sample as much as 10⁻⁵ off; null in records from before it was measured.</param>
public sealed record EvaluationRow(double Sigma, int Images, MeanSd NoisyPsnr, MeanSd Psnr, MeanSd PsnrY, MeanSd Ssim, MeanSd NoisySsim, double? LeastPsnr = null, int? Perfect = null);

/// <summary>A whole evaluation, with everything that is needed to do it again.</summary>
/// <param name="Model">Name of the weights file.</param>
/// <param name="Sha256">Of the weights file.</param>
/// <param name="Protocol">As asked.</param>
/// <param name="Overlap">Pixels that tiles shared.</param>
/// <param name="MaxTileSide">Side in pixels of the largest tiles that could be cut.</param>
/// <param name="Precision">Numbers that the network computed with.</param>
/// <param name="DataSha256">Of the clean pictures' 8-bit samples, planar, one picture after the other.</param>
/// <param name="Rows">One for each noise level.</param>
/// <param name="Classical">Filters without training on the same pictures, where they were measured.</param>
/// <param name="Seconds">Wall-clock time of all forward passes.</param>
public sealed record EvaluationReport(string Model, string Sha256, EvaluationProtocol Protocol, int Overlap, int MaxTileSide, Precision Precision, string DataSha256, IReadOnlyList<EvaluationRow> Rows, IReadOnlyList<RobustnessSeries> Classical, double Seconds)
{
    /// <summary>Over which channels the scores are taken, stated so that numbers of different conventions are never mixed.</summary>
    public string Channels { get; } = "psnr and ssim over RGB, psnrY over BT.601 luma";

    /// <summary>For a report: how the network was run.</summary>
    public string DescribeRun() => FormattableString.Invariant($"mode {Protocol.Mode.ToString().ToLowerInvariant()}, tiles of up to {MaxTileSide} pixels a side that share {Overlap}, {Precision}");
}

/// <summary>Is shown a picture of an evaluation; the samples are planar and in [0, 1] but for unclamped noise.</summary>
public delegate void PictureSeen(double sigma, int index, float[] noisy, float[] cleaned, int height, int width);

/// <summary>Measures a denoiser on pictures with synthetic noise.</summary>
public static class Evaluation
{
    private const int GroupPictures = 256;
    private const float SameSample = 1e-5f; // float32 rounds 8-bit samples far below it

    /// <summary>Runs the protocol.</summary>
    /// <param name="denoiser">The engine, which is what users get.</param>
    /// <param name="protocol">What to measure.</param>
    /// <param name="time">For the wall clock.</param>
    /// <param name="progress">Fraction done, 0 to 1.</param>
    /// <param name="seen">Is shown every picture: σ, index, the noisy and the cleaned samples (planar), height, width.</param>
    /// <param name="cancellationToken">Looked at between groups of pictures.</param>
    /// <returns>One row for each level, the sha256 of the clean pictures' 8-bit samples, and the seconds spent in forward passes.</returns>
    /// <exception cref="DataSetException">The data cannot be read, or its range is beyond the end.</exception>
    /// <exception cref="RecipeException">The network cannot be told the noise level.</exception>
    public static (IReadOnlyList<EvaluationRow> Rows, string DataSha256, double Seconds) Run(Denoiser denoiser, EvaluationProtocol protocol, TimeProvider time, IProgress<double>? progress = null, PictureSeen? seen = null, CancellationToken cancellationToken = default)
    {
        if (protocol.Told && !denoiser.Config.NoiseLevelInput) throw new RecipeException(nameof(EvaluationProtocol.Told), "Told is true, and this network cannot be told the noise level.");
        Func<Sample>[] samples = Samples(protocol);
        var rows = new List<EvaluationRow>();
        double seconds = 0;
        using var pixels = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (int level = 0; level < protocol.Sigmas.Count; level++)
        {
            var scores = new List<Score>();
            // CIFAR pictures are one tile each: many go through the network together. A photograph fills batches by itself.
            foreach (Func<Sample>[] group in samples.Chunk(CifarArchive.IsIn(protocol.Data) ? GroupPictures : 1))
            {
                cancellationToken.ThrowIfCancellationRequested();
                Sample[] pictures = group.Select(read => read()).ToArray();
                if (level == 0) Array.ForEach(pictures, p => pixels.AppendData([.. p.Clean.Select(s => (byte)MathF.Round(s * 255))]));
                seconds += Measure(denoiser, protocol, protocol.Sigmas[level], pictures, scores, time, seen);
                progress?.Report((level + scores.Count / (double)samples.Length) / protocol.Sigmas.Count);
            }

            rows.Add(new EvaluationRow(protocol.Sigmas[level], scores.Count, Over(scores, s => s.NoisyPsnr), Over(scores, s => s.Psnr), Over(scores, s => s.PsnrY), Over(scores, s => s.Ssim), Over(scores, s => s.NoisySsim), scores.Min(s => s.Psnr), scores.Count(s => s.Perfect)));
        }

        return (rows, Convert.ToHexStringLower(pixels.GetHashAndReset()), seconds);
    }

    /// <summary>Runs the protocol, and states beside the numbers what decided them.</summary>
    /// <param name="denoiser">The engine, which is what users get.</param>
    /// <param name="model">What the report is to call the weights.</param>
    /// <param name="sha256">Of their file.</param>
    /// <param name="protocol">What to measure.</param>
    /// <param name="time">For the wall clock.</param>
    /// <param name="data">What the report is to call the data; null: as the protocol does.</param>
    /// <param name="progress">Fraction done, 0 to 1.</param>
    /// <param name="seen">Is shown every picture.</param>
    /// <param name="cancellationToken">Looked at between groups of pictures.</param>
    /// <exception cref="DataSetException">The data cannot be read, or its range is beyond the end.</exception>
    /// <exception cref="RecipeException">The network cannot be told the noise level.</exception>
    public static EvaluationReport Report(Denoiser denoiser, string model, string sha256, EvaluationProtocol protocol, TimeProvider time, string? data = null, IProgress<double>? progress = null, PictureSeen? seen = null, CancellationToken cancellationToken = default)
    {
        var (rows, dataSha256, seconds) = Run(denoiser, protocol, time, progress, seen, cancellationToken);
        DenoiserOptions options = denoiser.Options;
        return new EvaluationReport(model, sha256, protocol with { Data = data ?? protocol.Data }, options.Overlap, denoiser.Config.TileSide, options.Precision, dataSha256, rows, ClassicalFilters.On(dataSha256, protocol), Math.Round(seconds, 3));
    }

    /// <summary>The seed of one picture's noise: the same picture has the same noise in every range and experiment.</summary>
    internal static long NoiseSeed(long seed, double sigma, int index) => Seeds.Derive(seed, (long)Math.Round(sigma * 1e6), index);

    private sealed record Sample(int Index, float[] Clean, int Height, int Width);

    private readonly record struct Score(double NoisyPsnr, double Psnr, double PsnrY, double Ssim, double NoisySsim, bool Perfect);

    private static MeanSd Over(List<Score> scores, Func<Score, double> of) => MeanSd.Of(scores.Select(of).ToArray());

    private static double Measure(Denoiser denoiser, EvaluationProtocol protocol, double sigma, Sample[] samples, List<Score> scores, TimeProvider time, PictureSeen? seen)
    {
        float[][] noisy = samples.Select(s => Noisy(s, protocol, sigma)).ToArray();
        float[][] results = noisy.Select(n => (float[])n.Clone()).ToArray();
        long started = time.GetTimestamp();
        denoiser.Denoise(samples.Select((s, i) => denoiser.Tile(results[i], s.Height, s.Width, mode: protocol.Mode, sigma: protocol.Told ? (float)Math.Min(1, sigma * protocol.ToldFactor) : null)).ToArray());
        double seconds = time.GetElapsedTime(started).TotalSeconds;
        foreach ((Sample sample, float[] input, float[] result) in samples.Zip(noisy, results))
        {
            if (protocol.RoundTo8Bit)
            {
                for (int i = 0; i < result.Length; i++) result[i] = MathF.Round(result[i] * 255) / 255;
            }

            seen?.Invoke(sigma, sample.Index, input, result, sample.Height, sample.Width);
            int pixels = sample.Height * sample.Width;
            scores.Add(new Score(
                Metrics.Psnr(sample.Clean, input), Metrics.Psnr(sample.Clean, result), Metrics.Psnr(Metrics.Luma(sample.Clean, pixels), Metrics.Luma(result, pixels)),
                Metrics.Ssim(sample.Clean, result, sample.Height, sample.Width), Metrics.Ssim(sample.Clean, input, sample.Height, sample.Width),
                result.Zip(sample.Clean).All(p => Math.Abs(p.First - p.Second) < SameSample)));
        }

        return seconds;
    }

    private static float[] Noisy(Sample sample, EvaluationProtocol protocol, double sigma)
    {
        if (sigma == 0) return (float[])sample.Clean.Clone();
        long seed = NoiseSeed(protocol.Seed, sigma, sample.Index);
        return protocol.Noise == NoiseKind.Smoothed ? Noise.AddSmoothed(sample.Clean, sample.Height, sample.Width, sigma, protocol.Clamp, seed) : Noise.Add(sample.Clean, sigma, protocol.Clamp, seed);
    }

    private static Func<Sample>[] Samples(EvaluationProtocol protocol)
    {
        int first = protocol.Range?.First ?? 0;
        if (CifarArchive.IsIn(protocol.Data))
        {
            PatchSet set = CifarArchive.Read(protocol.Data, protocol.Range);
            return Enumerable.Range(0, set.Count).Select(i => (Func<Sample>)(() => new Sample(first + i, set.Image(i), set.Side, set.Side))).ToArray();
        }

        return PhotographFolder.Files(protocol.Data, protocol.Range).Select((file, i) => (Func<Sample>)(() =>
        {
            Imaging.Picture picture = PhotographFolder.Read(file);
            if (Math.Min(picture.Height, picture.Width) < Metrics.Window) throw new DataSetException($"{file} has {picture.Height} × {picture.Width} pixels; SSIM needs at least {Metrics.Window} × {Metrics.Window}.");
            return new Sample(first + i, picture.Samples, picture.Height, picture.Width);
        })).ToArray();
    }
}
