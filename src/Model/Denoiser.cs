using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using DenoiseService.Model.Attention;
using static TorchSharp.torch;

namespace DenoiseService.Model;

/// <summary>How a <see cref="Denoiser"/> runs.</summary>
public sealed record DenoiserOptions
{
    /// <summary>Pixels that neighbouring tiles share at least; 0 to TileSide − 1. More overlap hides the tiles' borders better and costs more.</summary>
    public int Overlap { get; init; } = 8;

    /// <summary>Side in pixels of the largest tile of a windowed network, rounded down to whole pairs of tokens, and to what <see cref="BatchMemory"/> allows; other networks have one tile size, their own. Larger tiles repeat fewer pixels and take more memory.</summary>
    public int MaxTileSide { get; init; } = 288;

    /// <summary>Threads that run the network side by side, each on its own part of the batch. ≥ 1.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary>Numbers of the network's weights and activations.</summary>
    public Precision Precision { get; init; } = Precision.Float32;

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
    // Tokens of small tiles that one thread runs at once: their activations stay in its cache (measured: docs/LOG.md). A larger tile goes alone.
    private const int ChunkTokens = 1024;

    // Below this libtorch's own threads cost more than they give (one 32×32 tile: 2.6 ms on one thread, 4.1 on two).
    private const int TokensWorthThreads = 256;

    // How libtorch says it: on Linux, on Windows, on CUDA.
    private static readonly string[] OutOfMemoryWordings = ["can't allocate memory", "not enough memory", "out of memory"];

    private readonly Func<Tensor, (Tensor Image, Tensor Routing)> _network;
    private readonly IDisposable? _owned;
    private readonly Lazy<Workers> _workers, _wide; // one of libtorch's threads each; and one thread with all of them

    /// <summary>Takes over a network, which must be in evaluation mode, and disposes it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range, or not for this network.</exception>
    public Denoiser(SmallViT network, DenoiserOptions? options = null) : this(ForInference(network, options ?? new()), options ?? new())
    {
    }

    /// <summary>Runs any function of tiles in the network's place: (B, 3, T, T), or 4 planes where the noise level is told, → (B, 3, T, T) and (B, L, N, E).</summary>
    internal Denoiser(ModelConfig config, Func<Tensor, (Tensor Image, Tensor Routing)> network, DenoiserOptions? options = null) : this((Checked(config, options ?? new()), network, null), options ?? new())
    {
    }

    private Denoiser((ModelConfig Config, Func<Tensor, (Tensor Image, Tensor Routing)> Run, IDisposable? Owned) network, DenoiserOptions options)
    {
        Heap.KeepFreed();
        Options = options;
        (Config, _network, _owned) = network;
        _workers = new(() => new Workers(options.Threads, "tiles"));
        _wide = new(() => new Workers(1, "tile", options.Threads));
        int fit = (int)Math.Clamp(options.BatchMemory / BytesOfTile(Config), 1, 4096);
        MaxBatchTiles = fit - (fit > options.Threads ? fit % options.Threads : 0); // or the last tile of every batch would find the other threads idle
    }

    /// <summary>As asked for; the side of the largest tiles that came of them is in <see cref="Config"/>.</summary>
    public DenoiserOptions Options { get; }

    /// <summary>Of the network; its tile side is that of the largest tiles that are cut.</summary>
    public ModelConfig Config { get; }

    /// <summary>Tiles of the largest size that one call of <see cref="Step"/> takes at most. Starts from the memory budget and halves when memory runs out.</summary>
    public int MaxBatchTiles { get; private set; }

    /// <summary>Prepares a picture for this network; see <see cref="TiledPicture"/> for the arguments.</summary>
    public TiledPicture Tile(float[] samples, int height, int width, float strength = 1, bool withRouting = false, DenoiseMode mode = DenoiseMode.Normal, float? sigma = null)
    {
        ModelConfig config = ConfigFor(height, width);
        return new TiledPicture(samples, height, width, config, OverlapOf(config.TileSide), strength, withRouting, mode, sigma);
    }

    /// <summary>How many tiles a picture of this size takes; in <see cref="DenoiseMode.High"/> every one counts 8 times.</summary>
    public int TilesOf(int height, int width, DenoiseMode mode = DenoiseMode.Normal)
    {
        ModelConfig config = ConfigFor(height, width);
        return TilePlan.CountFor(height, width, config.TileSide, OverlapOf(config.TileSide)) * mode.Passes();
    }

    /// <summary>What a picture of this size costs: patches over all its tiles and passes, overlaps included.</summary>
    public long PatchesOf(int height, int width, DenoiseMode mode = DenoiseMode.Normal) => (long)TilesOf(height, width, mode) * ConfigFor(height, width).Tokens;

    /// <summary>Denoises one picture in place.</summary>
    /// <param name="samples">Planar colour, (C, H, W), float32 in [0, 1]; overwritten.</param>
    /// <param name="height">H.</param>
    /// <param name="width">W.</param>
    /// <param name="strength">0 to 1.</param>
    /// <param name="withRouting">Return the routing map of the same pass; of 8 passes the mean.</param>
    /// <param name="mode">How often every tile goes through the network.</param>
    /// <param name="sigma">Standard deviation of the noise, in units of 1, for a network that can be told; null leaves it to the network.</param>
    /// <param name="cancellationToken">Looked at between batches; the samples are then partly overwritten.</param>
    public RoutingMap? Denoise(float[] samples, int height, int width, float strength = 1, bool withRouting = false, DenoiseMode mode = DenoiseMode.Normal, float? sigma = null, CancellationToken cancellationToken = default)
    {
        TiledPicture picture = Tile(samples, height, width, strength, withRouting, mode, sigma);
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
        TileBatch[] batches = parts.Where(p => p.Tiles > 0).GroupBy(p => p.Picture.Config.TileSide).Select(sameSide => new TileBatch([.. sameSide])).ToArray();
        try
        {
            Run([.. batches.SelectMany(ChunksOf)]);
            foreach (TileBatch batch in batches) batch.GiveBack();
        }
        finally
        {
            foreach (TileBatch batch in batches) batch.Dispose();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_workers.IsValueCreated) _workers.Value.Dispose();
        if (_wide.IsValueCreated) _wide.Value.Dispose();
        _owned?.Dispose();
    }

    private static ModelConfig Checked(ModelConfig config, DenoiserOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Threads, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(options.Overlap);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxTileSide, 1);
        ModelConfig withTiles = WithTiles(config, options);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(options.Overlap, withTiles.TileSide);
        return withTiles;
    }

    private static int WindowPixels(ModelConfig config) => config.WindowSide * config.PatchSide;

    /// <summary>Tiles need not be whole windows (the network fills the last ones up), but at half the resolution a pair of tokens is a whole square of <see cref="Winograd.MinimalFiltering"/>.</summary>
    private static int TileStep(ModelConfig config) => Math.Min(2, config.WindowSide) * config.PatchSide;

    /// <summary>A windowed network looks at a picture in tiles of the side that covers it with the fewest pixels; of equal ones the largest, which has the fewest borders.</summary>
    private ModelConfig ConfigFor(int height, int width)
    {
        if (Config.WindowSide == 0) return Config;
        int window = WindowPixels(Config), step = TileStep(Config);
        int best = Enumerable.Range(0, (Config.TileSide - window) / step + 1).Select(steps => window + steps * step).Where(side => side > Options.Overlap || side >= Math.Max(height, width))
            .MinBy(side => ((long)TilePlan.CountFor(height, width, side, OverlapOf(side)) * side * side, -side));
        return best == Config.TileSide ? Config : Config with { TileSide = best };
    }

    private int OverlapOf(int side) => Math.Min(Options.Overlap, side - 1);

    private IEnumerable<Chunk> ChunksOf(TileBatch batch)
    {
        int size = Math.Clamp((batch.Count + Options.Threads - 1) / Options.Threads, 1, Math.Max(1, ChunkTokens / batch.Config.Tokens));
        for (int first = 0; first < batch.Count; first += size) yield return new Chunk(batch, first, Math.Min(size, batch.Count - first));
    }

    /// <summary>Never on the caller's thread: how many of libtorch's threads that has is not the engine's to change.</summary>
    private void Run(Chunk[] chunks)
    {
        if (chunks.Length == 0) return;
        bool wide = Options.Threads > 1 && chunks is [{ Tokens: >= TokensWorthThreads }];
        // One at a time to whoever is free: chunks are few, and of different sizes.
        ConcurrentQueue<Chunk>? tooMuchAtOnce = Options.Threads > 1 && chunks.Length > 1 ? new() : null;
        (wide ? _wide : _workers).Value.ForEach(chunks, chunk => Run(chunk, tooMuchAtOnce));
        if (tooMuchAtOnce is null or { IsEmpty: true }) return;
        // A single tile that found no memory beside the others' may find it alone.
        MaxBatchTiles = Math.Max(1, MaxBatchTiles / 2);
        foreach (Chunk tile in tooMuchAtOnce) _workers.Value.ForEach([tile], t => Run(t));
    }

    /// <summary>The network's output for tiles. Out of memory: halves, and remembers it; one tile cannot be halved, and waits if others run beside it.</summary>
    private void Run(Chunk chunk, ConcurrentQueue<Chunk>? later = null)
    {
        try
        {
            Forward(chunk);
        }
        catch (ExternalException e) when (IsOutOfMemory(e) && chunk.Count > 1)
        {
            int half = chunk.Count / 2;
            MaxBatchTiles = Math.Max(1, Math.Min(MaxBatchTiles, half));
            Run(chunk with { Count = half }, later);
            Run(chunk with { First = chunk.First + half, Count = chunk.Count - half }, later);
        }
        catch (ExternalException e) when (IsOutOfMemory(e) && later is not null)
        {
            later.Enqueue(chunk);
        }
    }

    private void Forward(Chunk chunk)
    {
        int side = chunk.Batch.Config.TileSide;
        using var inference = inference_mode();
        using var scope = NewDisposeScope();
        Tensor input = empty(chunk.Count, 3, side, side);
        chunk.Batch.Read(chunk.First, MemoryMarshal.Cast<byte, float>(input.bytes));
        float[] levels = chunk.Batch.Levels(chunk.First, chunk.Count);
        if (levels.Any(level => level != NoiseLevel.Unknown)) input = NoiseLevel.Beside(input, tensor(levels)); // (B, 4, T, T)
        (Tensor output, Tensor routing) = _network(input); // (B, 3, T, T), (B, L, N, E)
        // The image was clamped, which hides an infinity; one that arose among the tokens still shows in the routing.
        if (!output.sum().Plus(routing.sum()).isfinite().item<bool>()) throw new NonFiniteOutputException();
        MemoryMarshal.Cast<byte, float>(output.contiguous().bytes).CopyTo(chunk.Batch.Images(chunk.First, chunk.Count));
        if (chunk.Batch.WantsRouting) MemoryMarshal.Cast<byte, float>(routing.contiguous().bytes).CopyTo(chunk.Batch.Routings(chunk.First, chunk.Count));
    }

    /// <summary>Tiles of one batch that go through the network together.</summary>
    private readonly record struct Chunk(TileBatch Batch, int First, int Count)
    {
        public int Tokens => Count * Batch.Config.Tokens;
    }

    private static (ModelConfig Config, Func<Tensor, (Tensor Image, Tensor Routing)> Run, IDisposable? Owned) ForInference(SmallViT network, DenoiserOptions options)
    {
        ModelConfig config = Checked(network.Config, options); // before the weights change form
        if (!config.Allows(options.Precision)) throw new ArgumentOutOfRangeException(nameof(options), options.Precision, $"Precision {options.Precision} needs attention {AttentionKind.SharedMixture} or {AttentionKind.None}; this network has {config.Attention}");
        network.RoundTo(options.Precision);
        network.PrepareForInference();
        if (!FusedNetwork.Covers(network.Config)) return (config, network.call, network);
        var fused = new FusedNetwork(network);
        network.Dispose();
        return (config, fused.Forward, fused);
    }

    private static bool IsOutOfMemory(ExternalException e) =>
        OutOfMemoryWordings.Any(wording => e.Message.Contains(wording, StringComparison.OrdinalIgnoreCase));

    /// <summary>What one tile takes at least: a small file can ask for any amount of memory, and the system ends a process that takes it.</summary>
    /// <exception cref="ModelConfigException">More than the options' <see cref="DenoiserOptions.BatchMemory"/>.</exception>
    public static void CheckMemory(ModelConfig config, DenoiserOptions? options = null)
    {
        options ??= new();
        long needed = BytesOfTile(WithTiles(config, options));
        if (needed > options.BatchMemory) throw new ModelConfigException($"One tile of this network takes about {needed} bytes of memory; {options.BatchMemory} are allowed.");
    }

    /// <summary>About what one image takes in a training, in bytes: the way back needs the activations of every block and pair of convolutions.</summary>
    public static long BytesInTraining(ModelConfig config) => BytesOfTile(config) * Math.Max(Math.Max(config.Blocks, config.TokenPairs), config.HasStem ? config.StemPairs : 0);

    /// <summary>A windowed network runs on the largest tiles that are allowed and fit into the memory; if none does, on the smallest that the overlap leaves.</summary>
    private static ModelConfig WithTiles(ModelConfig config, DenoiserOptions options)
    {
        if (config.WindowSide == 0) return config;
        int window = WindowPixels(config), step = TileStep(config);
        ModelConfig Of(int steps) => config with { TileSide = window + steps * step };
        int steps = Math.Max(0, (options.MaxTileSide - window) / step);
        while (steps > 0 && BytesOfTile(Of(steps)) > options.BatchMemory && Of(steps - 1).TileSide > options.Overlap) steps--;
        return Of(steps);
    }

    /// <summary>The widest activations of one tile: projections of all experts, scores, feed-forward network, stem; with room for temporaries.</summary>
    private static long BytesOfTile(ModelConfig config)
    {
        long tokens = config.Tokens, pixels = (long)config.TileSide * config.TileSide;
        long projections = 3L * config.Experts * config.Width + config.RouterWidth + config.FeedForwardWidth;
        long stem = !config.HasStem ? 0 : 3L * config.StemWidth * pixels + 3L * config.HalfWidth * pixels / 4;
        return sizeof(float) * 2 * (tokens * projections + config.Heads * tokens * config.WindowTokens + stem + 6 * pixels);
    }
}

/// <summary>A network gave NaN or infinity: its weights or its input are broken.</summary>
public sealed class NonFiniteOutputException() : Exception("The network's output is not finite.");
