using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Unicode;
using static TorchSharp.torch;

namespace DenoiseService.Model;

/// <summary>What stands beside the weights, in the sidecar JSON of the same name.</summary>
/// <param name="Config">The network's shape.</param>
/// <param name="Sha256">Of the weights file, lower-case hex.</param>
/// <param name="Training">The run that made the weights: recipe, data, seed, steps, time. Empty where nothing is known.</param>
/// <param name="Metrics">What was measured on the weights.</param>
public sealed record CheckpointCard(ModelConfig Config, string Sha256, JsonObject Training, JsonObject Metrics);

/// <summary>
/// A trained network on disk: NAME.safetensors with the weights under the reference's names, NAME.json with a <see cref="CheckpointCard"/>. A bare
/// safetensors file is taken for the released code's form: ReLU router, sizes recognised from names and shapes.
/// </summary>
public static class Checkpoint
{
    // In the header of every file that Save writes: such a file without its card is an interrupted save or half a copy, not the released form.
    private const string NeedsCard = "card";

    // A name that stands twice in a card would mean something else to every reader.
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true, AllowDuplicateProperties = false };

    /// <summary>Writes both files, each atomically, the card last: an interrupted save is refused on load, never half believed.</summary>
    /// <param name="weights">Where to write, ending in .safetensors.</param>
    /// <param name="network">The weights.</param>
    /// <param name="training">See <see cref="CheckpointCard.Training"/>.</param>
    /// <param name="metrics">See <see cref="CheckpointCard.Metrics"/>.</param>
    public static CheckpointCard Save(string weights, SmallViT network, JsonObject? training = null, JsonObject? metrics = null)
    {
        string sha256 = Safetensors.Write(weights, network.state_dict(), new Dictionary<string, string> { [NeedsCard] = "required" });
        var card = new CheckpointCard(network.Config, sha256, training ?? [], metrics ?? []);
        AtomicFile.Write(CardPath(weights), ToBytes(card));
        return card;
    }

    /// <summary>A card as its file holds it.</summary>
    public static byte[] ToBytes(CheckpointCard card) => JsonSerializer.SerializeToUtf8Bytes(card, Json);

    /// <summary>Builds the network and fills it, in evaluation mode. Call outside dispose scopes and outside inference mode.</summary>
    /// <param name="weights">The .safetensors file.</param>
    /// <returns>The network, which the caller disposes, and its card.</returns>
    /// <exception cref="CheckpointException">Truncated, renamed, wrong-shaped, non-finite or not the file of the card; the message says which tensor or value.</exception>
    public static (SmallViT Network, CheckpointCard Card) Load(string weights)
    {
        using SafetensorsFile file = Safetensors.Read(weights);
        return Build(file, File.Exists(CardPath(weights)) ? ReadCard(weights) : null, Path.GetFileName(weights), Path.GetFileName(CardPath(weights)));
    }

    /// <summary>The same for a checkpoint that is already in memory.</summary>
    /// <param name="weights">What the .safetensors file would hold.</param>
    /// <param name="card">What its card would hold; null if there is none.</param>
    /// <param name="name">For messages: the files' name without extension.</param>
    /// <exception cref="CheckpointException">As <see cref="Load"/>.</exception>
    public static (SmallViT Network, CheckpointCard Card) Parse(byte[] weights, byte[]? card, string name)
    {
        string file = name + ".safetensors", cardFile = name + ".json";
        CheckpointCard? read = card is null ? null : ParseCard(card, cardFile);
        using SafetensorsFile tensors = Safetensors.Parse(weights, file);
        return Build(tensors, read, file, cardFile);
    }

    private static (SmallViT Network, CheckpointCard Card) Build(SafetensorsFile file, CheckpointCard? known, string name, string cardName)
    {
        if (known is null && file.Metadata.ContainsKey(NeedsCard)) throw new CheckpointException($"{name} belongs to a card, and {cardName} does not exist.");
        CheckpointCard card = known ?? new CheckpointCard(ReleasedForm.Recognise(file.Tensors, name), file.Sha256, [], []);
        if (!string.Equals(card.Sha256, file.Sha256, StringComparison.OrdinalIgnoreCase))
        {
            throw new CheckpointException($"{name} has sha256 {file.Sha256}, its card {cardName} says {card.Sha256}.");
        }

        // A few bytes of JSON can ask for any number of gigabytes: what is far from the file's size is refused before it is built.
        long values = file.Tensors.Values.Sum(t => t.numel());
        long needed = card.Config.Parameters + card.Config.Buffers;
        if (needed > 2 * values + (1 << 20)) throw new CheckpointException($"{name} holds {values} numbers, its configuration needs {needed}.");
        var network = new SmallViT(card.Config);
        try
        {
            Fill(network, file.Tensors, name);
            network.eval();
            return (network, card);
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    /// <summary>Reads only the card of a checkpoint.</summary>
    /// <exception cref="CheckpointException">The card is missing or not of this form.</exception>
    public static CheckpointCard ReadCard(string weights)
    {
        string path = CardPath(weights), name = Path.GetFileName(path);
        return File.Exists(path) ? ParseCard(File.ReadAllBytes(path), name) : throw new CheckpointException($"{name} does not exist; it is the card that {Path.GetFileName(weights)} needs beside it.");
    }

    /// <summary>Reads a card that is already in memory, and that can be written again; <paramref name="name"/> is for messages.</summary>
    /// <exception cref="CheckpointException">It is not of this form.</exception>
    public static CheckpointCard ParseCard(byte[] json, string name)
    {
        if (!Utf8.IsValid(json)) throw new CheckpointException($"{name} is not a readable card: it is not UTF-8.");
        try
        {
            CheckpointCard card = JsonSerializer.Deserialize<CheckpointCard>(json, Json) ?? throw new CheckpointException($"{name} is empty.");
            if (card.Config is null || string.IsNullOrEmpty(card.Sha256)) throw new CheckpointException($"{name} lacks config or sha256.");
            card.Config.Validated();
            card = card with { Training = card.Training ?? [], Metrics = card.Metrics ?? [] };
            _ = ToBytes(card); // half of a surrogate pair may be noticed only when it is written
            return card;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException or ModelConfigException)
        {
            throw new CheckpointException($"{name} is not a readable card: {e.Message}", e);
        }
    }

    /// <summary>Copies named tensors into a network after checking that names and shapes agree and every value is finite.</summary>
    /// <exception cref="CheckpointException">Names the first tensor that does not fit.</exception>
    public static void Fill(SmallViT network, IReadOnlyDictionary<string, Tensor> tensors, string file)
    {
        using var noGrad = no_grad();
        Dictionary<string, Tensor> state = network.state_dict();
        string[] missing = state.Keys.Except(tensors.Keys).ToArray(), unknown = tensors.Keys.Except(state.Keys).ToArray();
        if (missing.Length > 0) throw new CheckpointException($"{file} lacks tensor {missing[0]}{Others(missing)}.");
        if (unknown.Length > 0) throw new CheckpointException($"{file} has tensor {unknown[0]}{Others(unknown)}, which this network does not know.");
        foreach ((string name, Tensor target) in state)
        {
            Tensor source = tensors[name];
            if (source.dtype != ScalarType.Float32) throw new CheckpointException($"{file}: tensor {name} is {source.dtype}, not Float32.");
            if (!source.shape.SequenceEqual(target.shape)) throw new CheckpointException($"{file}: tensor {name} has shape [{string.Join(", ", source.shape)}], this network needs [{string.Join(", ", target.shape)}].");
            using Tensor finite = source.isfinite();
            using Tensor all = finite.all();
            if (!all.item<bool>()) throw new CheckpointException($"{file}: tensor {name} has values that are not finite.");
            target.copy_(source);
        }

        static string Others(string[] names) => names.Length > 1 ? $" (and {names.Length - 1} more)" : "";
    }

    /// <summary>Where the card of a weights file stands.</summary>
    public static string CardPath(string weights) => Path.ChangeExtension(weights, ".json");
}

/// <summary>A checkpoint cannot be used; the message names what is wrong with it, never a path of the machine.</summary>
public sealed class CheckpointException : Exception
{
    /// <summary>With what is wrong.</summary>
    public CheckpointException(string message) : base(message)
    {
    }

    /// <summary>With what is wrong and what showed it.</summary>
    public CheckpointException(string message, Exception inner) : base(message, inner)
    {
    }
}
