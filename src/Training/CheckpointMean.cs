using System.Text.Json;
using System.Text.Json.Nodes;
using DenoiseService.Model;
using static TorchSharp.torch;

namespace DenoiseService.Training;

/// <summary>
/// The weighted mean of the weights of several checkpoints of one network. Where they come from one training, or one goes on from the other, the mean
/// is often as good as the best of them everywhere; where they do not, it is usually no network at all.
/// </summary>
public static class CheckpointMean
{
    /// <summary>Writes the mean as a checkpoint: the first one's configuration, and in its card the sha256 and share of every part. Sums are in float64.</summary>
    /// <param name="output">Where to write, ending in .safetensors.</param>
    /// <param name="parts">Two or more .safetensors files, each with its share; shares are above 0, finite, and are divided by their sum.</param>
    /// <exception cref="CheckpointException">A part cannot be read, or is another network than the first one: the message names the field.</exception>
    /// <exception cref="FormatException">Fewer than two parts, or a share out of its range.</exception>
    public static CheckpointCard Write(string output, IReadOnlyList<(string Weights, double Share)> parts)
    {
        if (parts.Count < 2) throw new FormatException($"A mean of {parts.Count} checkpoints was asked for; it takes 2 or more.");
        if (parts.FirstOrDefault(p => !(p.Share > 0 && double.IsFinite(p.Share))) is { Weights: not null } odd) throw new FormatException(FormattableString.Invariant($"The share of {Path.GetFileName(odd.Weights)} is {odd.Share}; it must be above 0 and finite."));
        double whole = parts.Sum(p => p.Share);
        if (!double.IsFinite(whole)) throw new FormatException("The sum of the shares is too large to be a number; smaller ones in the same proportion mean the same.");
        (SmallViT mean, CheckpointCard first) = Checkpoint.Load(parts[0].Weights);
        using (mean)
        using (no_grad())
        {
            Dictionary<string, Tensor> sums = mean.state_dict().ToDictionary(t => t.Key, t => zeros(t.Value.shape, dtype: float64));
            JsonObject meaning = Meaning(first.Config);
            var made = new JsonArray();
            foreach ((string weights, double share) in parts)
            {
                (SmallViT network, CheckpointCard card) = Checkpoint.Load(weights);
                using var itsNetwork = network;
                foreach ((string field, JsonNode? value) in Meaning(card.Config))
                {
                    if (!JsonNode.DeepEquals(value, meaning[field])) throw new CheckpointException($"{Path.GetFileName(weights)} is another network than {Path.GetFileName(parts[0].Weights)}: its {field} is {value?.ToJsonString()}, not {meaning[field]?.ToJsonString()}.");
                }

                using var scope = NewDisposeScope();
                foreach ((string name, Tensor tensor) in network.state_dict()) sums[name].Increase(tensor.to(float64).Scale(share / whole));
                made.Add(new JsonObject { ["sha256"] = card.Sha256, ["share"] = share / whole, ["training"] = card.Training.DeepClone() });
            }

            foreach ((string name, Tensor target) in mean.state_dict())
            {
                target.copy_(sums[name]);
                sums[name].Dispose();
            }

            return Checkpoint.Save(output, mean, new JsonObject { ["meanOf"] = made });
        }
    }

    // What must be the same for a weight to mean the same: not how large the squares of a windowed network's training were, not what only its training or only its use does.
    private static JsonObject Meaning(ModelConfig config) =>
        JsonSerializer.SerializeToNode(config with { TileSide = config.WindowSide > 0 ? config.WindowSide * config.PatchSide : config.TileSide, Shrinkage = 0, ClampInTraining = true }, JsonSerializerOptions.Web)!.AsObject();
}
