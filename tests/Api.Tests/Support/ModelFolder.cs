using DenoiseService.Model;

namespace DenoiseService.Api.Tests.Support;

/// <summary>A temporary models folder with a real network, small enough for tests.</summary>
public sealed class ModelFolder : IDisposable
{
    public const string Small = "small";

    public static readonly ModelConfig SmallConfig = new() { Width = 16, Heads = 2, Blocks = 2, FeedForwardWidth = 32, RouterWidth = 8, KeysKept = [4, 16, 64], Residual = true };

    /// <summary>One that can be told the noise level.</summary>
    public static readonly ModelConfig ToldConfig = SmallConfig with { UnshuffledStem = true, HalfWidth = 4, NoiseLevelInput = true };

    public ModelFolder() => Add(Small, SmallConfig);

    public string Path { get; } = Directory.CreateTempSubdirectory("denoise-models-").FullName;

    public string FileOf(string id) => System.IO.Path.Combine(Path, id + ".safetensors");

    public CheckpointCard Add(string id, ModelConfig config, double psnr = 30.5)
    {
        using var network = new SmallViT(config);
        using (TorchSharp.torch.no_grad())
        {
            foreach (TorchSharp.torch.Tensor p in config.HasStem ? network.parameters() : []) p.uniform_(-0.1, 0.1); // a last layer that starts as zero would hide everything
        }

        return Checkpoint.Save(FileOf(id), network, new() { ["seed"] = 7, ["dataSha256"] = "abc123", ["commit"] = "0123abc" }, new() { ["psnr"] = psnr });
    }

    /// <summary>A form to upload it with.</summary>
    public MultipartFormDataContent FormOf(string id, string? name = null)
    {
        var form = new MultipartFormDataContent
        {
            { Pictures.Raw(File.ReadAllBytes(FileOf(id))), "weights", id + ".safetensors" },
            { Pictures.Raw(File.ReadAllBytes(Checkpoint.CardPath(FileOf(id)))), "card", id + ".json" },
        };
        if (name is not null) form.Add(new StringContent(name), "name");
        return form;
    }

    public void Dispose()
    {
        // A database connection that closes late may still make or remove a file in the middle of it.
        for (int tries = 1; Directory.Exists(Path); tries++)
        {
            try
            {
                Directory.Delete(Path, recursive: true);
            }
            catch (IOException) when (tries < 50)
            {
                Thread.Sleep(20);
            }
        }
    }
}
