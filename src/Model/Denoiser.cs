using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using DenoiseService.Model.Attention;
using static TorchSharp.torch;

namespace DenoiseService.Model;

/// <summary>How a <see cref="Denoiser"/> runs.</summary>
public sealed record DenoiserOptions
{
    /// <summary>Pixels that neighbouring tiles share at least; 0 to TileSide − 1. More overlap hides the tiles' borders better and costs more.</summary>
    public int Overlap { get; init; } = 8;

    /// <summary>Threads that run the network side by side, each on its own part of the batch. ≥ 1.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary>Memory in bytes that the tiles of one batch and their activations may take; decides <see cref="Denoiser.MaxBatchTiles"/>.</summary>
    public long BatchMemory { get; init; } = 512L << 20;
}

/// <summary>A part of a batch: the next tiles of one picture.</summary>
/// <param name="Picture">Whose tiles.</param>
/// <param name="Tiles">How many, at most its <see cref="TiledPicture.TilesWaiting"/>.</param>
public readonly record struct BatchPart(TiledPicture Picture, int Tiles);

/// <summary>
/// Runs a trained network on pictures of any size. Not thread-safe: one caller at a time, though a batch may hold tiles of many pictures.
/// </summary>
public sealed class Denoiser : IDisposable
{
    // Tiles that one thread runs at once: their activations stay in its cache (measured: docs/RESULTS.md).
    private const int ChunkTiles = 16;

    // How libtorch says it: on Linux, on Windows, on CUDA.
    private static readonly string[] OutOfMemoryWordings = ["can't allocate memory", "not enough memory", "out of memory"];

    private readonly Func<Tensor, (Tensor Image, Tensor Routing)> _network;
    private readonly IDisposable? _owned;
    private readonly DenoiserOptions _options;

    /// <summary>Takes over a network, which must be in evaluation mode, and disposes it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range.</exception>
    public Denoiser(SmallViT network, DenoiserOptions? options = null) : this(network.Config, ForInference(network), options)
    {
    }

    /// <summary>Runs any function of tiles in the network's place: (B, 3, T, T) → the same and (B, L, N, E).</summary>
    internal Denoiser(ModelConfig config, Func<Tensor, (Tensor Image, Tensor Routing)> network, DenoiserOptions? options = null) : this(config, (network, null), options)
    {
    }

    private Denoiser(ModelConfig config, (Func<Tensor, (Tensor Image, Tensor Routing)> Run, IDisposable? Owned) network, DenoiserOptions? options)
    {
        _options = options ?? new();
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.Threads, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(_options.Overlap);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(_options.Overlap, config.TileSide);
        Config = config;
        (_network, _owned) = network;
        MaxBatchTiles = (int)Math.Clamp(_options.BatchMemory / BytesOfTile(config), 1, 4096);
    }

    /// <summary>Of the network.</summary>
    public ModelConfig Config { get; }

    /// <summary>Tiles that one call of <see cref="Step"/> takes at most. Starts from the memory budget and halves when memory runs out.</summary>
    public int MaxBatchTiles { get; private set; }

    /// <summary>Prepares a picture for this network; see <see cref="TiledPicture"/> for the arguments.</summary>
    public TiledPicture Tile(float[] samples, int height, int width, float strength = 1, bool withRouting = false) =>
        new(samples, height, width, Config, _options.Overlap, strength, withRouting);

    /// <summary>How many tiles a picture of this size takes.</summary>
    public int TilesOf(int height, int width) => TilePlan.For(height, width, Config.TileSide, _options.Overlap).Count;

    /// <summary>Denoises one picture in place.</summary>
    /// <param name="samples">Planar colour, (C, H, W), float32 in [0, 1]; overwritten.</param>
    /// <param name="height">H.</param>
    /// <param name="width">W.</param>
    /// <param name="strength">0 to 1.</param>
    /// <param name="withRouting">Return the routing map of the same pass.</param>
    /// <param name="cancellationToken">Looked at between batches; the samples are then partly overwritten.</param>
    public RoutingMap? Denoise(float[] samples, int height, int width, float strength = 1, bool withRouting = false, CancellationToken cancellationToken = default)
    {
        TiledPicture picture = Tile(samples, height, width, strength, withRouting);
        Denoise([picture], cancellationToken);
        return withRouting ? picture.Routing() : null;
    }

    /// <summary>Denoises several pictures in place, one after the other, their tiles in common batches.</summary>
    public void Denoise(IReadOnlyList<TiledPicture> pictures, CancellationToken cancellationToken = default)
    {
        for (int next = 0; next < pictures.Count;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var parts = new List<BatchPart>();
            for (int room = MaxBatchTiles; room > 0 && next < pictures.Count;)
            {
                int tiles = Math.Min(room, pictures[next].TilesWaiting);
                parts.Add(new BatchPart(pictures[next], tiles));
                room -= tiles;
                if (tiles == pictures[next].TilesWaiting) next++;
            }

            Step(parts);
        }
    }

    /// <summary>Runs one batch: takes the parts' next tiles, one forward pass, gives the results back to their pictures.</summary>
    /// <exception cref="NonFiniteOutputException">The network gave a value that is not a number; none of the batch's results was used.</exception>
    public void Step(IReadOnlyList<BatchPart> parts)
    {
        int tiles = parts.Sum(p => p.Tiles), tileFloats = 3 * Config.TileSide * Config.TileSide, routingFloats = Config.Blocks * Config.Tokens * Config.Experts;
        float[] images = new float[(long)tiles * tileFloats], routings = new float[(long)tiles * routingFloats];
        var owners = new List<(TiledPicture Picture, int Index)>(tiles);
        foreach (BatchPart part in parts)
        {
            for (int i = 0; i < part.Tiles; i++) owners.Add((part.Picture, part.Picture.HandOutNext(images.AsSpan(owners.Count * tileFloats, tileFloats))));
        }

        RunChunks(images, routings, tiles, tileFloats, routingFloats);
        for (int t = 0; t < tiles; t++)
        {
            owners[t].Picture.Accept(owners[t].Index, images.AsSpan(t * tileFloats, tileFloats), routings.AsSpan(t * routingFloats, routingFloats));
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _owned?.Dispose();

    private void RunChunks(float[] images, float[] routings, int tiles, int tileFloats, int routingFloats)
    {
        int chunk = Math.Clamp((tiles + _options.Threads - 1) / _options.Threads, 1, ChunkTiles);
        int chunks = (tiles + chunk - 1) / chunk;
        int threads = Math.Min(_options.Threads, chunks);
        if (threads <= 1)
        {
            for (int c = 0; c < chunks; c++) Run(c, _options.Threads);
            return;
        }

        try
        {
            Parallel.For(0, chunks, new ParallelOptions { MaxDegreeOfParallelism = threads }, c => Run(c, 1));
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(e.InnerExceptions[0]); // the caller gets the same exception whatever the number of threads
        }

        void Run(int c, int libtorchThreads)
        {
            int first = c * chunk, count = Math.Min(chunk, tiles - first);
            set_num_threads(libtorchThreads);
            RunChunk(images.AsSpan(first * tileFloats, count * tileFloats), routings.AsSpan(first * routingFloats, count * routingFloats), count);
        }
    }

    /// <summary>Overwrites tiles with the network's output. Out of memory: halves, and remembers it.</summary>
    private void RunChunk(Span<float> images, Span<float> routings, int count)
    {
        try
        {
            Forward(images, routings, count);
        }
        catch (ExternalException e) when (count > 1 && IsOutOfMemory(e))
        {
            int half = count / 2;
            MaxBatchTiles = Math.Max(1, Math.Min(MaxBatchTiles, half));
            RunChunk(images[..(images.Length / count * half)], routings[..(routings.Length / count * half)], half);
            RunChunk(images[(images.Length / count * half)..], routings[(routings.Length / count * half)..], count - half);
        }
    }

    private void Forward(Span<float> images, Span<float> routings, int count)
    {
        using var inference = inference_mode();
        using var scope = NewDisposeScope();
        Tensor input = empty(count, 3, Config.TileSide, Config.TileSide);
        images.CopyTo(MemoryMarshal.Cast<byte, float>(input.bytes));
        (Tensor output, Tensor routing) = _network(input); // (count, 3, T, T), (count, L, N, E)
        if (!output.sum().isfinite().item<bool>()) throw new NonFiniteOutputException();
        MemoryMarshal.Cast<byte, float>(output.contiguous().bytes).CopyTo(images);
        MemoryMarshal.Cast<byte, float>(routing.contiguous().bytes).CopyTo(routings);
    }

    private static (Func<Tensor, (Tensor Image, Tensor Routing)> Run, IDisposable? Owned) ForInference(SmallViT network)
    {
        if (!FusedNetwork.Covers(network.Config)) return (network.call, network);
        var fused = new FusedNetwork(network);
        network.Dispose();
        return (fused.Forward, fused);
    }

    private static bool IsOutOfMemory(ExternalException e) =>
        OutOfMemoryWordings.Any(wording => e.Message.Contains(wording, StringComparison.OrdinalIgnoreCase));

    /// <summary>The widest activations of one tile: projections of all experts, scores, feed-forward network; with room for temporaries.</summary>
    private static long BytesOfTile(ModelConfig config)
    {
        long tokens = config.Tokens, projections = 3L * config.Experts * config.Width + config.RouterWidth + config.FeedForwardWidth;
        return sizeof(float) * 2 * (tokens * projections + config.Heads * tokens * tokens + 6L * config.TileSide * config.TileSide);
    }
}

/// <summary>A network gave NaN or infinity: its weights or its input are broken.</summary>
public sealed class NonFiniteOutputException() : Exception("The network's output is not finite.");
