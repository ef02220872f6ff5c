using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace DenoiseService.Model.Tests;

/// <summary>No tensor may wait for the finalizer: the count of live ones is back to where it was as soon as the work is done.</summary>
public sealed class TensorLifetimeTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(AttentionKind.AdaptiveMixture, 1)]
    [InlineData(AttentionKind.AdaptiveMixture, 2)]
    [InlineData(AttentionKind.NonAdaptiveSparse, 2)]
    [InlineData(AttentionKind.Standard, 2)]
    public void A_hundred_batches_leave_no_tensor_behind(AttentionKind kind, int threads)
    {
        ModelConfig config = Networks.Tiny with { Attention = kind, Residual = true, KeysKept = [8, 20] };
        using var denoiser = new Denoiser(RandomWeights.For(config, 1).Network(config), new DenoiserOptions { Threads = threads });
        TiledPicture picture = denoiser.Tile(Numbers.Uniform(300 * 300, 1), 300, 300, withRouting: true);
        denoiser.Step([new BatchPart(picture, 1)]);
        AssertNothingLeft(() =>
        {
            for (int i = 0; i < 100; i++)
            {
                if (picture.TilesWaiting < 7) picture = denoiser.Tile(Numbers.Uniform(300 * 300, 1), 300, 300, withRouting: true);
                denoiser.Step([new BatchPart(picture, 7)]);
            }
        });
    }

    [Fact]
    public void Batches_that_fail_leave_no_tensor_behind()
    {
        ModelConfig config = Networks.Tile(32, 4);
        int calls = 0;
        using Denoiser denoiser = Networks.Engine(config, tiles =>
        {
            Tensor half = tiles * 0.5f;
            return (calls++ % 3) switch { 0 => throw new ExternalException("not enough memory"), 1 => half * float.NaN, _ => half };
        }, new DenoiserOptions { Threads = 1 });
        AssertNothingLeft(() =>
        {
            for (int i = 0; i < 10; i++) Record.Exception(() => denoiser.Denoise(new float[100 * 100], 100, 100));
        });
    }

    [Fact]
    public void Making_an_engine_and_disposing_it_leaves_no_tensor_behind()
    {
        ModelConfig config = Networks.Tiny;
        AssertNothingForTheFinalizer(() => new Denoiser(RandomWeights.For(config, 1).Network(config)).Dispose());
    }

    [Fact]
    public void A_network_leaves_no_tensor_behind() => AssertNothingForTheFinalizer(() => new SmallViT(Networks.Tiny).Dispose());

    [Fact]
    public void Saving_and_loading_leave_no_tensor_behind()
    {
        using var network = new SmallViT(Networks.Tiny);
        string path = _folder["a.safetensors"];
        AssertNothingLeft(() => Checkpoint.Save(path, network));
        AssertNothingForTheFinalizer(() => Checkpoint.Load(path).Network.Dispose());
        AssertNothingLeft(() => Safetensors.Read(path).Dispose());
    }

    [Fact]
    public void A_refused_checkpoint_leaves_no_tensor_behind()
    {
        using var network = new SmallViT(Networks.Tiny);
        string path = _folder["a.safetensors"];
        Checkpoint.Save(path, network);
        byte[] bytes = File.ReadAllBytes(path);
        AssertNothingLeft(() =>
        {
            File.WriteAllBytes(path, bytes[..^4]);
            Assert.Throws<CheckpointException>(() => Checkpoint.Load(path));
            bytes.AsSpan(bytes.Length - 4).Fill(0xff);
            File.WriteAllBytes(path, bytes);
            File.WriteAllText(Checkpoint.CardPath(path), File.ReadAllText(Checkpoint.CardPath(path)).Replace("\"sha256\": \"", "\"sha256\": \"0", StringComparison.Ordinal));
            Assert.Throws<CheckpointException>(() => Checkpoint.Load(path));
        });
    }

    /// <summary>
    /// For work that makes parameters: the library takes a Parameter's handle from a tensor that it goes on counting as live for ever, so the
    /// count does not come back; but a collection must not find anything that still holds a native tensor.
    /// </summary>
    private static void AssertNothingForTheFinalizer(Action work)
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        work();
        long after = Tensor.TotalCount;
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.Equal(after, Tensor.TotalCount);
    }

    private static void AssertNothingLeft(Action work)
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        long before = Tensor.TotalCount;
        work();
        Assert.Equal(before, Tensor.TotalCount);
    }
}
