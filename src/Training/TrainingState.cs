using System.Globalization;
using DenoiseService.Model;
using static TorchSharp.torch;

namespace DenoiseService.Training;

/// <summary>What a run started from and learns from; null where nobody said, or in a state from before it was recorded.</summary>
/// <param name="InitialSha256">Of the file of weights.</param>
/// <param name="DataSha256">Over those of all training images.</param>
/// <param name="ValidationSha256">Over those of all validation images.</param>
internal readonly record struct TrainingOrigin(string? InitialSha256, string? DataSha256, string? ValidationSha256);

/// <summary>
/// What a run needs to go on exactly: weights, their running mean, the optimiser, the step, the best validation so far, what it started from. One file, written
/// atomically, with a checksum over its contents. (Random numbers are derived from the step and need no state.)
/// </summary>
internal static class TrainingState
{
    private const string Weights = "weights.", Mean = "mean.", Step = "step", Checksum = "sha256", Initial = "initialSha256", Data = "dataSha256", Validation = "validationSha256";

    public static void Save(string path, SmallViT network, SmallViT? mean, IOptimiser optimiser, long step, double best, TrainingOrigin origin)
    {
        using var scope = NewDisposeScope();
        var tensors = new Dictionary<string, Tensor>();
        foreach ((string prefix, float[][] moments) in optimiser.State)
        {
            for (int p = 0; p < moments.Length; p++) tensors[prefix + p.ToString(CultureInfo.InvariantCulture)] = tensor(moments[p]);
        }

        foreach ((string name, Tensor value) in network.state_dict()) tensors[Weights + name] = value;
        if (mean is not null)
        {
            foreach ((string name, Tensor value) in mean.state_dict()) tensors[Mean + name] = value;
        }

        var facts = new Dictionary<string, string> { [Step] = step.ToString(CultureInfo.InvariantCulture), ["best"] = best.ToString("R", CultureInfo.InvariantCulture) };
        if (origin.InitialSha256 is not null) facts[Initial] = origin.InitialSha256;
        if (origin.DataSha256 is not null) facts[Data] = origin.DataSha256;
        if (origin.ValidationSha256 is not null) facts[Validation] = origin.ValidationSha256;
        facts[Checksum] = Sum(tensors, facts);
        Safetensors.Write(path, tensors, facts);
    }

    /// <exception cref="CheckpointException">Damaged, or of another network.</exception>
    public static (long Step, double Best, TrainingOrigin Origin) Load(string path, SmallViT network, SmallViT? mean, IOptimiser optimiser)
    {
        using SafetensorsFile file = Safetensors.Read(path);
        string name = Path.GetFileName(path);
        var facts = file.Metadata.Where(f => f.Key != Checksum).ToDictionary();
        if (file.Metadata.GetValueOrDefault(Checksum) != Sum(file.Tensors, facts)) throw new CheckpointException($"{name} does not match its own checksum.");
        Checkpoint.Fill(network, Under(Weights), name);
        if (mean is not null) Checkpoint.Fill(mean, Under(Mean), name);
        foreach ((string prefix, float[][] moments) in optimiser.State)
        {
            for (int p = 0; p < moments.Length; p++)
            {
                if (!file.Tensors.TryGetValue(prefix + p.ToString(CultureInfo.InvariantCulture), out Tensor? stored) || stored.numel() != moments[p].Length) throw new CheckpointException($"{name} is not the state of this network's training.");
                stored.data<float>().CopyTo(moments[p]);
            }
        }

        return (StepOf(facts), double.Parse(facts["best"], CultureInfo.InvariantCulture), new TrainingOrigin(facts.GetValueOrDefault(Initial), facts.GetValueOrDefault(Data), facts.GetValueOrDefault(Validation)));

        Dictionary<string, Tensor> Under(string prefix) => file.Tensors.Where(t => t.Key.StartsWith(prefix, StringComparison.Ordinal)).ToDictionary(t => t.Key[prefix.Length..], t => t.Value);
    }

    /// <summary>Steps that a state has done, from the header of its file.</summary>
    /// <exception cref="CheckpointException">Missing or damaged.</exception>
    public static long StepOf(string path) => StepOf(Safetensors.ReadMetadata(path));

    private static long StepOf(IReadOnlyDictionary<string, string> facts) => long.Parse(facts[Step], CultureInfo.InvariantCulture);

    private static string Sum(IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string> facts) =>
        Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(Safetensors.ToBytes(tensors, facts.OrderBy(f => f.Key, StringComparer.Ordinal).ToDictionary())));
}
