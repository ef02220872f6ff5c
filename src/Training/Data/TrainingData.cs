namespace DenoiseService.Training.Data;

/// <summary>Where images come from, as a recipe names it: a CIFAR-10 folder or a folder of pictures.</summary>
public sealed record DataSource
{
    /// <summary>Folder; in a job of the service the name of a data set.</summary>
    /// <example>sample</example>
    public required string Path { get; init; }

    /// <summary>Which records of a CIFAR-10 archive, or which pictures of a folder in ordinal order of their paths, from 0 on, such as 0-2999; all if null.</summary>
    public string? Range { get; init; }

    /// <summary>Share of every batch, in proportion to the other sources. &gt; 0.</summary>
    public double Share { get; init; } = 1;

    /// <summary>How many squares are cut out of a folder of pictures. ≥ 1.</summary>
    public int Patches { get; init; } = 20_000;

    /// <summary>Pictures of a folder are first shrunk by this factor, each pixel the mean of a square: more scales from the same pictures. 1 to 16; 1 for a CIFAR-10 archive.</summary>
    public int Shrink { get; init; } = 1;

    /// <summary>Reads it.</summary>
    /// <exception cref="DataSetException">Says what is wrong.</exception>
    public PatchSet Load(int side, long seed, CancellationToken cancellationToken = default)
    {
        IndexRange? range = Range is null ? null : IndexRange.Parse(Range);
        if (!CifarArchive.IsIn(Path)) return PhotographFolder.Cut(Path, side, Patches, seed, Shrink, range, cancellationToken);
        if (Shrink != 1) throw new DataSetException($"Shrink is {Shrink}; it must be 1 for a CIFAR-10 archive, whose images are not shrunk.");
        if (side < CifarArchive.Side) throw new DataSetException($"CIFAR-10 images have {CifarArchive.Side} pixels a side; this network sees {side}.");
        return CifarArchive.Read(Path, range).ReflectedTo(side);
    }
}

/// <summary>Several sets, sampled by their shares.</summary>
/// <param name="Sets">All of one side.</param>
/// <param name="Shares">One for each set.</param>
public sealed record TrainingData(IReadOnlyList<PatchSet> Sets, IReadOnlyList<double> Shares)
{
    /// <summary>Images in all.</summary>
    public int Count => Sets.Sum(s => s.Count);

    /// <summary>Pixels of an image's side.</summary>
    public int Side => Sets[0].Side;

    /// <summary>Reads all sources.</summary>
    public static TrainingData Load(IReadOnlyList<DataSource> sources, int side, long seed, CancellationToken cancellationToken = default) =>
        new(sources.Select(s => s.Load(side, seed, cancellationToken)).ToArray(), sources.Select(s => s.Share).ToArray());
}
