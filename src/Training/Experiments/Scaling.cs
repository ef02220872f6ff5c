using System.Runtime.InteropServices;
using System.Text.Json;
using DenoiseService.Model;
using DenoiseService.Model.Attention;
using static TorchSharp.torch;

namespace DenoiseService.Training.Experiments;

/// <summary>What a scaling experiment does.</summary>
public sealed record ScalingSettings
{
    /// <summary>Image sides in pixels, each seen in one pass over its whole grid of tokens.</summary>
    public IReadOnlyList<int> Sides { get; init; } = [32, 64, 96, 128, 192, 256, 384, 512];

    /// <summary>Timed passes of a cell, after one that warms up.</summary>
    public int Repeats { get; init; } = 7;

    /// <summary>About how long one cell may take, in seconds: slow cells are timed less often, but at least once.</summary>
    public double CellSeconds { get; init; } = 40;

    /// <summary>Cells that need more are not run, in GiB; null: 85 % of what is available when a cell's turn comes. The smaller of the two holds.</summary>
    public double? MemoryLimitGiB { get; init; }

    /// <summary>The adaptive network; its tile becomes each side, without windows.</summary>
    public ModelConfig Model { get; init; } = new();

    /// <summary>Of the weights and the image.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>Threads of libtorch.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary>This with its sides in order, if every value is in its range.</summary>
    /// <exception cref="RecipeException">Names the first field that is not.</exception>
    public ScalingSettings Validated()
    {
        Require(Sides.Count > 0 && Sides.All(s => s >= Model.PatchSide && s <= 1024 && s % Model.PatchSide == 0), nameof(Sides), $"every side must be a multiple of the patch ({Model.PatchSide}) up to 1024");
        Require(Repeats is >= 1 and <= 1000, nameof(Repeats), "it must be 1 to 1000");
        Require(CellSeconds > 0, nameof(CellSeconds), "it must be above 0");
        Require(MemoryLimitGiB is null or > 0, nameof(MemoryLimitGiB), "it must be above 0");
        Require(Threads is >= 1 and <= 1024, nameof(Threads), "it must be 1 to 1024");
        Require(Model is { Attention: AttentionKind.AdaptiveMixture, HasStem: false }, nameof(Model), "it must be an adaptive mixture without a stem");
        return this with { Sides = [.. Sides.Distinct().Order()] };

        static void Require(bool holds, string field, string range)
        {
            if (!holds) throw new RecipeException(field, $"{field} is out of range: {range}.");
        }
    }
}

/// <summary>A network and the way in which its attention is computed.</summary>
/// <param name="Name">Key of files and tables.</param>
/// <param name="Label">For people.</param>
/// <param name="Attention">How.</param>
internal sealed record ScalingForm(string Name, string Label, TopKAttention Attention)
{
    public const string Fused = "full-fused", Explicit = "full-explicit", AllKeys = "all-keys", Direct = "sparse-direct", Fast = "sparse-fast";

    public static IReadOnlyList<ScalingForm> All { get; } =
    [
        new(Fused, "full attention, fused kernel", TopK.Fast),
        new(Explicit, "full attention, all scores stored", TopK.Explicit),
        new(AllKeys, "mixture, every expert keeps all keys, fused", TopK.Fast),
        new(Direct, "sparse mixture, the report's form", TopK.Direct),
        new(Fast, "sparse mixture, our fast form", TopK.Fast),
    ];

    /// <summary>The network for an image of this side.</summary>
    public ModelConfig Model(ModelConfig adaptive, int side)
    {
        ModelConfig config = adaptive with { TileSide = side, WindowSide = 0, ShiftWindows = false };
        return Name switch
        {
            Fused or Explicit => config with { Attention = AttentionKind.Standard },
            AllKeys => config with { KeysKept = [.. config.KeysKept.Select(_ => config.Tokens)] },
            _ => config,
        };
    }

    /// <summary>Bytes that a pass needs at most at one time, weights and image aside: what the code of the form allocates, rounded up.</summary>
    public double Bytes(ModelConfig adaptive, int side)
    {
        ModelConfig c = Model(adaptive, side);
        double n = c.Tokens, row = 4 * n * c.Width, scores = 4 * n * n * c.Heads, keys = c.KeysAttended.Max();
        double linear = row * (14 + c.Experts + 2.0 * c.FeedForwardWidth / c.Width) + 16 * 3.0 * side * side;
        return linear + Name switch
        {
            Explicit => 2 * scores,
            Direct => Math.Max(2 * scores, scores + n * c.Heads * keys * 16 + 2 * row * keys), // the scores twice; or once, with values and indices of the largest, weights, values gathered and weighted
            Fast => keys < n ? 3 * Math.Min(scores, 4.0 * (1 << 22)) : 0, // a chunk of scores, its mask, and room
            _ => 0,
        };
    }
}

/// <summary>What was measured of one form at one side; kept in cells/SIDE-FORM.json.</summary>
/// <param name="Side">Of the image, in pixels.</param>
/// <param name="Form">Key of the form.</param>
/// <param name="Wanted">Timed passes that it is to have; 0 before it ran.</param>
/// <param name="Seconds">Wall clock of every timed pass so far.</param>
/// <param name="PeakMiB">Most memory that the first pass held beyond what the process held before it.</param>
/// <param name="Spent">Seconds of all its passes.</param>
/// <param name="NotRun">Why it was not run.</param>
internal sealed record ScalingCell(int Side, string Form, int Wanted, IReadOnlyList<double> Seconds, double PeakMiB, double Spent, string? NotRun = null)
{
    public bool Finished => Wanted > 0 && Seconds.Count >= Wanted;
}

/// <summary>Claim 4 of the report: what attention costs as images grow, in FLOPs, in seconds and in memory. Random weights: cost does not depend on them.</summary>
public sealed class Scaling(ScalingSettings settings, ExperimentFolder folder, TimeProvider time, IProgress<ExperimentProgress>? progress = null)
{
    private readonly ScalingSettings _settings = settings.Validated();
    private readonly Dictionary<(int Side, string Form), ScalingCell> _cells = [];

    /// <summary>Measures what is not measured yet and writes the report. On cancellation a report is written that says that it is unfinished.</summary>
    /// <exception cref="RecipeException">A setting is out of range, or the folder holds other work.</exception>
    public ScalingResult Run(CancellationToken cancellationToken = default)
    {
        foreach (int side in _settings.Sides)
        {
            foreach (ScalingForm form in ScalingForm.All) Read(side, form.Name);
        }

        var meter = new WorkMeter(_settings.Sides.Sum(side => ScalingForm.All.Sum(form => Planned(form, side) * Guess(form, side))), time, progress);
        bool finished = false;
        int threads = get_num_threads();
        set_num_threads(_settings.Threads);
        try
        {
            foreach (int side in _settings.Sides) Measure(side, meter, cancellationToken);
            finished = true;
        }
        finally
        {
            set_num_threads(threads);
            ScalingReport.Write(ScalingReport.Collect(_settings, _cells, finished, time), _settings, folder);
        }

        return ScalingReport.Collect(_settings, _cells, finished, time);
    }

    /// <summary>All forms at one side, in turns.</summary>
    private void Measure(int side, WorkMeter meter, CancellationToken cancellationToken)
    {
        var networks = new Dictionary<string, SmallViT>();
        try
        {
            foreach (ScalingForm form in ScalingForm.All)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (_cells.TryGetValue((side, form.Name), out ScalingCell? cell) && cell.Finished)
                {
                    meter.Skip(Planned(form, side) * Guess(form, side), $"{side} px, {form.Label}: measured earlier");
                    continue;
                }

                string? shortage = Shortage(form, side);
                if (shortage is null)
                {
                    SmallViT network = networks[form.Name] = SmallViT.WithSeed(form.Model(_settings.Model, side), _settings.Seed, form.Attention);
                    network.eval();
                    shortage = Warm(network, form, side);
                }

                if (shortage is null)
                {
                    meter.Add(Guess(form, side), Stage(form, side, 0));
                    continue;
                }

                networks.Remove(form.Name, out SmallViT? unused);
                unused?.Dispose();
                Store(new ScalingCell(side, form.Name, 0, [], double.NaN, 0, shortage));
                meter.Skip(Planned(form, side) * Guess(form, side), $"{side} px, {form.Label}: {shortage}");
            }

            for (int round = 1; round <= _settings.Repeats; round++)
            {
                foreach (ScalingForm form in ScalingForm.All.Where(f => networks.ContainsKey(f.Name)))
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    ScalingCell cell = _cells[(side, form.Name)];
                    bool due = cell.Seconds.Count < round && !cell.Finished;
                    if (due)
                    {
                        double seconds = Seconds(networks[form.Name]);
                        Store(cell with { Seconds = [.. cell.Seconds, seconds], Spent = cell.Spent + seconds });
                    }

                    if (round >= Planned(form, side)) continue;
                    if (due) meter.Add(Guess(form, side), Stage(form, side, round));
                    else meter.Skip(Guess(form, side), Stage(form, side, round));
                }
            }
        }
        finally
        {
            foreach (SmallViT network in networks.Values) network.Dispose();
        }
    }

    private string Stage(ScalingForm form, int side, int round) => $"{side} px, {form.Label}: {(round == 0 ? "warm" : $"pass {round} of {_cells[(side, form.Name)].Wanted}")}";

    /// <summary>The first pass: memory, and how often there is time for more. Returns why it could not be done.</summary>
    private string? Warm(SmallViT network, ScalingForm form, int side)
    {
        double seconds = 0;
        try
        {
            if (Guess(form, side) < 1) Seconds(network); // a short pass would else count what libtorch and the runtime set up at their first call
            double peak = PeakMemory.ExtraMiB(() => seconds = Seconds(network));
            ScalingCell cell = _cells.TryGetValue((side, form.Name), out ScalingCell? earlier) && earlier.Wanted > 0 ? earlier : new ScalingCell(side, form.Name, 0, [], peak, 0);
            Store(cell with { Wanted = (int)Math.Clamp(_settings.CellSeconds / seconds, 1, _settings.Repeats), Spent = cell.Spent + seconds, NotRun = null });
            return null;
        }
        catch (ExternalException e) when (e.Message.Contains("allocate memory", StringComparison.Ordinal))
        {
            return "not run to its end: the system gave no more memory";
        }
    }

    private string? Shortage(ScalingForm form, int side)
    {
        double needed = form.Bytes(_settings.Model, side) / (1L << 30), available = 0.85 * ProcessMemory.Available() / (1L << 30);
        if (_settings.MemoryLimitGiB is { } limit) available = Math.Min(available, limit);
        return needed <= available ? null : FormattableString.Invariant($"not run: needs about {needed:0.###} GiB, {available:0.###} available");
    }

    private double Seconds(SmallViT network)
    {
        using var inference = inference_mode();
        using var scope = NewDisposeScope();
        using var generator = new Generator((ulong)_settings.Seed, CPU);
        Tensor image = rand([1, 3, network.Config.TileSide, network.Config.TileSide], generator: generator);
        long started = time.GetTimestamp();
        network.call(image);
        return time.GetElapsedTime(started).TotalSeconds;
    }

    /// <summary>Seconds of a pass as guessed before it ran: for the progress only.</summary>
    private double Guess(ScalingForm form, int side)
    {
        double guess = 1e-3 + Flops.Honest(form.Model(_settings.Model, side)) / 8e10;
        return form.Name == ScalingForm.Direct ? 8 * guess : guess;
    }

    /// <summary>Passes as guessed, the first one included.</summary>
    private double Planned(ScalingForm form, int side) => 1 + Math.Floor(Math.Clamp(_settings.CellSeconds / Guess(form, side), 1, _settings.Repeats));

    private sealed record StoredCell(string Identity, ScalingCell Cell);

    /// <summary>Everything that decides a measurement, the machine aside.</summary>
    private string Identity() => JsonSerializer.Serialize(new { _settings.Model, _settings.Seed, _settings.Threads }, JsonSerializerOptions.Web);

    private string PathOf(int side, string form) => folder.File("cells", FormattableString.Invariant($"{side}-{form}.json"));

    private void Store(ScalingCell cell)
    {
        _cells[(cell.Side, cell.Form)] = cell;
        AtomicFile.Write(PathOf(cell.Side, cell.Form), JsonSerializer.SerializeToUtf8Bytes(new StoredCell(Identity(), cell), ExperimentFolder.Json));
    }

    private void Read(int side, string form)
    {
        if (!File.Exists(PathOf(side, form))) return;
        StoredCell stored = ExperimentFolder.Read<StoredCell>(PathOf(side, form), $"{side}-{form}.json", "it");
        if (stored.Identity != Identity()) throw new RecipeException("output", $"{side}-{form} in the output folder was measured with another network, seed or number of threads. Give another folder.");
        _cells[(side, form)] = stored.Cell;
    }
}
