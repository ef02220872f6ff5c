namespace DenoiseService.Training.Experiments;

/// <summary>Whether neighbouring patches of one map share their expert more often than the same choices would in any order.</summary>
/// <param name="Share">Of the 4-neighbour pairs, those with one expert; 0 to 1.</param>
/// <param name="NullMean">Mean share over the permutations.</param>
/// <param name="NullSd">Their standard deviation (n − 1).</param>
/// <param name="Z">(Share − NullMean) / NullSd; NaN where every permutation gives the same, as with one expert everywhere.</param>
/// <param name="P">(1 + permutations with at least this share) / (1 + permutations): one-sided.</param>
public sealed record Coherence(double Share, double NullMean, double NullSd, double Z, double P)
{
    internal static Coherence Of(double share, double[] nulls)
    {
        double mean = nulls.Average(), sd = Statistics.SampleSd(nulls);
        // Shares are sums of quotients: equal ones may differ in their last digits.
        int atLeast = nulls.Count(n => n >= share - 1e-12);
        return new Coherence(share, mean, sd, sd > 1e-12 ? (share - mean) / sd : double.NaN, (1.0 + atLeast) / (1 + nulls.Length));
    }
}

/// <summary>Join counts of a map of choices on a grid, row by row.</summary>
internal static class JoinCount
{
    /// <summary>How many pairs of patches lie side by side or one above the other.</summary>
    public static int Pairs(int rows, int columns) => rows * (columns - 1) + (rows - 1) * columns;

    /// <summary>How many of them have the same choice.</summary>
    public static int Same(ReadOnlySpan<int> choices, int rows, int columns)
    {
        int same = 0;
        for (int i = columns; i < rows * columns; i++) same += choices[i] == choices[i - columns] ? 1 : 0;
        for (int row = 0; row < rows; row++)
        {
            ReadOnlySpan<int> line = choices.Slice(row * columns, columns);
            for (int x = 1; x < columns; x++) same += line[x] == line[x - 1] ? 1 : 0;
        }

        return same;
    }

    /// <summary>The share of equal pairs, and what it is when the same choices are put in random order.</summary>
    public static (double Share, double[] Nulls) Permute(ReadOnlySpan<int> choices, int rows, int columns, int permutations, long seed, CancellationToken cancellationToken = default)
    {
        double pairs = Pairs(rows, columns);
        int[] shuffled = choices.ToArray();
        var random = new Random((int)seed);
        var nulls = new double[permutations];
        for (int i = 0; i < permutations; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            random.Shuffle(shuffled);
            nulls[i] = Same(shuffled, rows, columns) / pairs;
        }

        return (Same(choices, rows, columns) / pairs, nulls);
    }
}
