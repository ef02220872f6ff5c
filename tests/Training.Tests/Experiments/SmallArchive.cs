namespace DenoiseService.Training.Tests.Experiments;

/// <summary>A CIFAR-10 folder of generated images, and a recipe that an experiment finishes in a moment.</summary>
internal static class SmallArchive
{
    public static Recipe Recipe { get; } = new()
    {
        Model = Small.Model with { TileSide = 32, KeysKept = [16, 32, 64], Residual = false },
        Steps = 4,
        BatchSize = 8,
        ValidateEvery = 2,
    };

    /// <summary>32 images: 24 to train, 4 to validate, 4 to test.</summary>
    public static string Write(TemporaryFolder folder)
    {
        string path = folder.File("cifar");
        Directory.CreateDirectory(path);
        var patches = Small.Patches(32, 32);
        using FileStream file = System.IO.File.Create(Path.Combine(path, "data_batch_1.bin"));
        for (int i = 0; i < patches.Count; i++)
        {
            file.WriteByte(0);
            file.Write([.. patches.Image(i).Select(v => (byte)MathF.Round(v * 255))]);
        }

        return path;
    }
}

/// <summary>Reports on the thread that calls, unlike Progress.</summary>
internal sealed class Progress<T>(Action<T> report) : IProgress<T>
{
    public void Report(T value) => report(value);
}
