using System.Text;
using DenoiseService.Api.Serving;
using DenoiseService.Api.Storage;
using DenoiseService.Model;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Models;

/// <summary>
/// Turns weights into a model that may answer: checksum, names, shapes, a finite pass, warm. One at a time, on a thread of its own and with a network of its
/// own, so that what answers meanwhile goes on undisturbed.
/// </summary>
internal sealed partial class ModelLoader(BlobStore blobs, Throughput throughput, IOptions<InferenceOptions> inference, TimeProvider time, ILogger<ModelLoader> logger) : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1);

    /// <summary>A version of the database, ready to answer. The caller holds it.</summary>
    /// <exception cref="ModelLoadException">It cannot be used; nothing is left of it.</exception>
    public Task<ServedModel> LoadAsync(ModelVersion version, CancellationToken cancellationToken) => InTurnAsync(version.Name, async () =>
    {
        long started = time.GetTimestamp();
        byte[] weights = await blobs.ReadAsync(version.Sha256, cancellationToken); // verifies the checksum
        ServedModel model = await Task.Run(() => Build(weights, version), CancellationToken.None);
        LogLoaded(model.Version, version.Id, version.Parameters, time.GetElapsedTime(started).TotalMilliseconds);
        return model;
    }, cancellationToken);

    /// <summary>Looks at a checkpoint that is not in the database yet.</summary>
    /// <param name="weights">The safetensors file.</param>
    /// <param name="card">Its card; null if there is none.</param>
    /// <param name="name">For messages.</param>
    /// <param name="cancellationToken">Ends the wait for other loads.</param>
    /// <exception cref="ModelLoadException">It cannot be used; the message is fit for clients.</exception>
    public Task<CheckpointCard> CheckAsync(byte[] weights, byte[]? card, string name, CancellationToken cancellationToken) => InTurnAsync(name, () => Task.Run(() =>
    {
        using Denoiser denoiser = Read(weights, card, name, out CheckpointCard read);
        Probe(denoiser);
        return read;
    }), cancellationToken);

    /// <inheritdoc/>
    public void Dispose() => _turn.Dispose();

    private async Task<T> InTurnAsync<T>(string name, Func<Task<T>> load, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            return await load();
        }
        catch (Exception e) when (e is not OperationCanceledException && !StorageErrors.IsUnavailable(e))
        {
            LogRefused(e, name);
            throw new ModelLoadException(Readable(e) ?? "It cannot be loaded; the server's log says why.", e);
        }
        finally
        {
            _turn.Release();
        }
    }

    private ServedModel Build(byte[] weights, ModelVersion version)
    {
        Denoiser denoiser = Read(weights, Encoding.UTF8.GetBytes(version.Card), version.Name, out CheckpointCard card);
        try
        {
            return new ServedModel(version.Id, version.Name, card, denoiser) { WarmUpBatches = WarmUp(denoiser) };
        }
        catch
        {
            denoiser.Dispose();
            throw;
        }
    }

    private Denoiser Read(byte[] weights, byte[]? json, string name, out CheckpointCard card)
    {
        (SmallViT network, card) = Checkpoint.Parse(weights, json, name);
        try
        {
            DenoiserOptions options = inference.Value.ToDenoiserOptions(card.Config);
            Denoiser.CheckMemory(card.Config, options);
            return new Denoiser(network, options);
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    /// <summary>The smallest tile, which takes other paths than the largest, and one of the largest.</summary>
    /// <exception cref="NonFiniteOutputException">The network's output is not finite.</exception>
    private static void Probe(Denoiser denoiser)
    {
        denoiser.Denoise(new float[3], 1, 1);
        denoiser.Step([Ramp(denoiser)]);
    }

    /// <summary>Runs the usual batch sizes, one tile and a full batch, so that the first request meets warm code and warm memory.</summary>
    private int WarmUp(Denoiser denoiser)
    {
        Probe(denoiser);
        int most = Math.Clamp(inference.Value.MaxBatchPatches / denoiser.Config.Tokens, 1, denoiser.MaxBatchTiles), batches = 1;
        // The first model tells the speed of the device, from a batch that does not pay for what later ones have.
        for (int left = throughput.PatchesPerSecond == 0 ? 2 : 1; left > 0; left--)
        {
            BatchPart[] parts = [.. Enumerable.Range(0, most).Select(_ => Ramp(denoiser))];
            long started = time.GetTimestamp();
            denoiser.Step(parts);
            if (++batches == 3) throughput.Record((long)most * denoiser.Config.Tokens, time.GetElapsedTime(started));
        }

        return batches;
    }

    private static BatchPart Ramp(Denoiser denoiser)
    {
        int side = denoiser.Config.TileSide;
        return new BatchPart(denoiser.Tile([.. Enumerable.Range(0, 3 * side * side).Select(i => i % side / (float)side)], side, side), 1);
    }

    /// <summary>Only what Model and Storage say of weights is fit for clients; the rest may name paths.</summary>
    private static string? Readable(Exception exception) => exception is CheckpointException or ModelConfigException or NonFiniteOutputException or BlobException ? exception.Message : null;

    [LoggerMessage(LogLevel.Information, "Model {Model} (version {Version}, {Parameters} parameters) is loaded, checked and warm after {Milliseconds:0} ms")]
    private partial void LogLoaded(string model, string version, long parameters, double milliseconds);

    [LoggerMessage(LogLevel.Error, "Model {Model} was refused")]
    private partial void LogRefused(Exception exception, string model);
}

/// <summary>Weights cannot be used. The message is fit for clients.</summary>
internal sealed class ModelLoadException(string message, Exception inner) : Exception(message, inner);
