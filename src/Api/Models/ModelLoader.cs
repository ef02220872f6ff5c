using DenoiseService.Api.Errors;
using DenoiseService.Api.Serving;
using DenoiseService.Model;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Models;

/// <summary>Loads every model of the folder at start, the default one first, on the thread that owns them. A damaged file is refused and breaks nothing else.</summary>
internal sealed partial class ModelLoader(
    ModelCatalog catalog, ModelWorker worker, Throughput throughput, IOptions<ModelsOptions> models, IOptions<InferenceOptions> inference, TimeProvider time, IHostApplicationLifetime lifetime, ILogger<ModelLoader> logger)
    : BackgroundService
{
    private string[] _files = [];
    private int _disposed;

    /// <summary>Lists the folder, so that from the first request on it is known which models there will be.</summary>
    public override Task StartAsync(CancellationToken cancellationToken)
    {
        string folder = Path.GetFullPath(models.Value.Folder, AppContext.BaseDirectory);
        if (Directory.Exists(folder)) _files = Directory.GetFiles(folder, "*.safetensors");
        if (_files.Length == 0) LogNoModels(folder);
        foreach (string file in _files) catalog.Set(new ModelEntry(IdOf(file), ModelState.Loading));
        return base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        foreach (string file in _files.OrderByDescending(f => IdOf(f) == catalog.DefaultId).ThenBy(IdOf, StringComparer.Ordinal))
        {
            if (stoppingToken.IsCancellationRequested) return;
            try
            {
                catalog.Set(await worker.InvokeAsync(() => Load(file)));
            }
            catch (ApiException) when (lifetime.ApplicationStopping.IsCancellationRequested)
            {
                return; // the worker, started later, is stopped earlier
            }
        }
    }

    /// <summary>The worker has ended by now: this service was registered, and started, before it.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        // A host may stop its services twice at the same time, and freeing a tensor twice at the same time ends the process.
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        foreach (ModelEntry entry in catalog.Entries) entry.Served?.Denoiser.Dispose();
    }

    private ModelEntry Load(string file)
    {
        string id = IdOf(file);
        long started = time.GetTimestamp();
        try
        {
            (SmallViT network, CheckpointCard card) = Checkpoint.Load(file);
            long parameters = network.parameters().Sum(p => p.numel());
            var denoiser = new Denoiser(network, new DenoiserOptions { Threads = inference.Value.Threads, Overlap = Math.Min(inference.Value.Overlap, card.Config.TileSide - 1) });
            int warmUp = WarmUpOrDispose(denoiser);
            LogLoaded(id, card.Sha256, parameters, time.GetElapsedTime(started).TotalMilliseconds, throughput.PatchesPerSecond);
            return new ModelEntry(id, ModelState.Ready) { Card = card, Parameters = parameters, WarmUpBatches = warmUp, Served = new ServedModel(id, card, denoiser) };
        }
        catch (Exception e)
        {
            LogRefused(e, id);
            // Only what Model says of a file is fit for clients; the rest may name paths.
            return new ModelEntry(id, ModelState.Failed) { Error = Readable(e) ?? "The file cannot be loaded; the server's log says why." };
        }
    }

    /// <summary>Runs the usual batch sizes, one tile and a full batch, so that the first request meets warm code and warm memory; a network whose output is not finite is refused here.</summary>
    private int WarmUp(Denoiser denoiser)
    {
        int side = denoiser.Config.TileSide, most = Math.Clamp(inference.Value.MaxBatchPatches / denoiser.Config.Tokens, 1, denoiser.MaxBatchTiles);
        int batches = 0;
        denoiser.Denoise(new float[3], 1, 1); // the smallest tile takes other paths than the largest
        foreach (int tiles in (int[])[1, most, most])
        {
            float[] ramp = Enumerable.Range(0, 3 * side * side).Select(i => i % side / (float)side).ToArray();
            BatchPart[] parts = Enumerable.Range(0, tiles).Select(_ => new BatchPart(denoiser.Tile([.. ramp], side, side), 1)).ToArray();
            long started = time.GetTimestamp();
            denoiser.Step(parts);
            // The first passes pay for what later ones have: only the last tells the speed.
            if (++batches == 3) throughput.Record((long)tiles * denoiser.Config.Tokens, time.GetElapsedTime(started));
        }

        return batches;
    }

    private int WarmUpOrDispose(Denoiser denoiser)
    {
        try
        {
            return WarmUp(denoiser);
        }
        catch
        {
            denoiser.Dispose();
            throw;
        }
    }

    private static string? Readable(Exception exception) => exception switch
    {
        CheckpointException => exception.Message,
        // Threads that run side by side wrap what one of them met.
        _ => exception.GetBaseException() is NonFiniteOutputException nonFinite ? nonFinite.Message : null,
    };

    private static string IdOf(string file) => Path.GetFileNameWithoutExtension(file);

    [LoggerMessage(LogLevel.Information, "Model {Model} ({Sha256}, {Parameters} parameters) is ready after {Milliseconds:0} ms; {PatchesPerSecond:0} patches/s")]
    private partial void LogLoaded(string model, string sha256, long parameters, double milliseconds, double patchesPerSecond);

    [LoggerMessage(LogLevel.Error, "Model {Model} was refused")]
    private partial void LogRefused(Exception exception, string model);

    [LoggerMessage(LogLevel.Warning, "There is no model in {Folder}")]
    private partial void LogNoModels(string folder);
}
