using DenoiseService.Model;
using static TorchSharp.torch;

namespace DenoiseService.Training.Tests;

public sealed class CheckpointMeanTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Every_tensor_is_the_weighted_mean_and_the_card_names_the_parts()
    {
        CheckpointCard one = Save("one", Small.Model, 1), two = Save("two", Small.Model, 2);
        CheckpointCard card = CheckpointMean.Write(_folder.File("mean.safetensors"), [(_folder.File("one.safetensors"), 1), (_folder.File("two.safetensors"), 3)]);

        using SafetensorsFile a = Safetensors.Read(_folder.File("one.safetensors")), b = Safetensors.Read(_folder.File("two.safetensors"));
        (SmallViT network, CheckpointCard read) = Checkpoint.Load(_folder.File("mean.safetensors"));
        using var itsNetwork = network;
        using var scope = NewDisposeScope();
        foreach ((string name, Tensor mean) in network.state_dict())
        {
            float[] x = a.Tensors[name].data<float>().ToArray(), y = b.Tensors[name].data<float>().ToArray();
            Assert.Equal(x.Zip(y, (p, q) => (float)(0.25 * p + 0.75 * q)), mean.data<float>().ToArray());
        }

        Assert.Equal(card.Sha256, read.Sha256);
        Assert.Equal([(one.Sha256, 0.25), (two.Sha256, 0.75)], read.Training["meanOf"]!.AsArray().Select(p => ((string)p!["sha256"]!, (double)p["share"]!)));
    }

    [Fact]
    public void A_windowed_network_may_have_been_trained_on_squares_of_two_sizes()
    {
        ModelConfig windowed = Small.Model with { WindowSide = 2, KeysKept = [2, 4], TileSide = 16 };
        Save("small", windowed, 1);
        Save("large", windowed with { TileSide = 32, Shrinkage = 0.001, ClampInTraining = false }, 2);
        Assert.Equal(16, CheckpointMean.Write(_folder.File("mean.safetensors"), [(_folder.File("small.safetensors"), 1), (_folder.File("large.safetensors"), 1)]).Config.TileSide);
    }

    [Fact]
    public void Other_networks_and_odd_shares_are_refused_and_nothing_is_written()
    {
        Save("one", Small.Model, 1);
        Save("other", Small.Model with { KeysKept = [2, 8, 16] }, 2); // the same shapes, with another meaning
        string mean = _folder.File("mean.safetensors"), one = _folder.File("one.safetensors");
        Assert.Contains("other.safetensors is another network than one.safetensors: its keysKept is [2,8,16], not [4,8,16].", Assert.Throws<CheckpointException>(() => CheckpointMean.Write(mean, [(one, 1), (_folder.File("other.safetensors"), 1)])).Message, StringComparison.Ordinal);
        Assert.Contains("A mean of 1 checkpoints", Assert.Throws<FormatException>(() => CheckpointMean.Write(mean, [(one, 1)])).Message, StringComparison.Ordinal);
        Assert.Contains("share of one.safetensors is -0.5", Assert.Throws<FormatException>(() => CheckpointMean.Write(mean, [(one, 1), (one, -0.5)])).Message, StringComparison.Ordinal);
        Assert.Contains("sum of the shares", Assert.Throws<FormatException>(() => CheckpointMean.Write(mean, [(one, 1e308), (one, 1e308)])).Message, StringComparison.Ordinal);
        Assert.False(File.Exists(mean));
    }

    private CheckpointCard Save(string name, ModelConfig config, long seed)
    {
        using SmallViT network = SmallViT.WithSeed(config, seed);
        return Checkpoint.Save(_folder.File(name + ".safetensors"), network);
    }
}
