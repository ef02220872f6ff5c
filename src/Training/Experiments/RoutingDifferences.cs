namespace DenoiseService.Training.Experiments;

/// <summary>What decides an expert's probability: shares of its variance over all images and positions, which sum to 1.</summary>
/// <param name="Position">The mean over images of every position: what a position embedding alone could do.</param>
/// <param name="Image">The mean over positions of every image.</param>
/// <param name="Rest">What an image does at a position beyond both, and noise.</param>
/// <param name="Noise">Within the rest: what another draw of the noise on the same image changes; NaN where there was no second draw.</param>
public sealed record VarianceShares(double Position, double Image, double Rest, double Noise);

/// <summary>Whether different images route differently.</summary>
/// <param name="BetweenImages">Mean total-variation distance of two images' distributions at the same position, over all pairs and positions; 0 to 1.</param>
/// <param name="BetweenDraws">The same for two noise draws of one image; NaN without noise.</param>
/// <param name="P">One-sided, of the hypothesis that it does not matter which image a second draw belongs to: images are paired at random instead. NaN without noise.</param>
/// <param name="Experts">For every expert.</param>
public sealed record ImageDifferences(double BetweenImages, double BetweenDraws, double P, IReadOnlyList<VarianceShares> Experts);

/// <summary>Compares one block's routing of images of one size. A map is (position, expert), position after position.</summary>
internal static class RoutingDifferences
{
    /// <summary>Everything of one block.</summary>
    /// <param name="first">A map for every image, at least two.</param>
    /// <param name="second">The same images with other noise; empty if there is none.</param>
    /// <param name="experts">E.</param>
    /// <param name="permutations">Random pairings.</param>
    /// <param name="seed">Of the pairings.</param>
    public static ImageDifferences Compare(IReadOnlyList<float[]> first, IReadOnlyList<float[]> second, int experts, int permutations, long seed)
    {
        (double own, double p) = second.Count == 0 ? (double.NaN, double.NaN) : PairingTest(first, second, experts, permutations, seed);
        return new ImageDifferences(MeanPairDistance(first, experts), own, p, Enumerable.Range(0, experts).Select(e => Decompose(first, second, experts, e)).ToArray());
    }

    /// <summary>Total variation, ½ Σ |p − q| over experts, mean over positions; 0 to 1.</summary>
    public static double Distance(ReadOnlySpan<float> a, ReadOnlySpan<float> b, int experts)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++) sum += Math.Abs(a[i] - b[i]);
        return sum / 2 / (a.Length / experts);
    }

    /// <summary>The mean distance over all pairs of maps, exactly: of sorted numbers the k-th (from 0) of n enters Σ|x − y| with 2k − n + 1.</summary>
    public static double MeanPairDistance(IReadOnlyList<float[]> maps, int experts)
    {
        int n = maps.Count, values = maps[0].Length;
        double sum = 0;
        var sorted = new float[n];
        for (int v = 0; v < values; v++)
        {
            for (int i = 0; i < n; i++) sorted[i] = maps[i][v];
            Array.Sort(sorted);
            for (int k = 0; k < n; k++) sum += (2.0 * k - n + 1) * sorted[k];
        }

        return sum / 2 / (values / experts) / (n * (n - 1.0) / 2);
    }

    /// <summary>The mean distance of an image to its own second draw, and how often second draws of random images are on average as near.</summary>
    public static (double Own, double P) PairingTest(IReadOnlyList<float[]> first, IReadOnlyList<float[]> second, int experts, int permutations, long seed)
    {
        int[] partner = Enumerable.Range(0, first.Count).ToArray();
        double own = Mean();
        var random = new Random((int)seed);
        int asNear = 0;
        for (int i = 0; i < permutations; i++)
        {
            random.Shuffle(partner);
            if (Mean() <= own + 1e-12) asNear++;
        }

        return (own, (1.0 + asNear) / (1 + permutations));

        double Mean() => first.Select((map, i) => Distance(map, second[partner[i]], experts)).Average();
    }

    /// <summary>Two-way decomposition of one expert's probability, without replication; the noise is half the mean square between draws.</summary>
    public static VarianceShares Decompose(IReadOnlyList<float[]> first, IReadOnlyList<float[]> second, int experts, int expert)
    {
        int images = first.Count, positions = first[0].Length / experts;
        var ofPosition = new double[positions];
        var ofImage = new double[images];
        double mean = 0, total = 0, noise = 0;
        for (int i = 0; i < images; i++)
        {
            for (int t = 0; t < positions; t++)
            {
                double p = first[i][t * experts + expert];
                ofPosition[t] += p / images;
                ofImage[i] += p / positions;
                mean += p / images / positions;
            }
        }

        for (int i = 0; i < images; i++)
        {
            for (int t = 0; t < positions; t++)
            {
                double p = first[i][t * experts + expert], change = second.Count > 0 ? second[i][t * experts + expert] - p : double.NaN;
                total += (p - mean) * (p - mean);
                noise += change * change / 2;
            }
        }

        double position = images * ofPosition.Sum(m => (m - mean) * (m - mean)) / total, image = positions * ofImage.Sum(m => (m - mean) * (m - mean)) / total;
        return new VarianceShares(position, image, 1 - position - image, noise / total);
    }
}
