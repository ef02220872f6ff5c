using System.Globalization;
using DenoiseService.Imaging;
using DenoiseService.Model;
using DenoiseService.Training.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace DenoiseService.Training;

/// <summary>How far a block's routing of the sample images moved since the look before.</summary>
/// <param name="Block">From 1.</param>
/// <param name="MeanChange">Mean over tokens of half the sum over experts of |p − p before|: 0 where nothing moved, 1 where everything did.</param>
/// <param name="MovedShare">Share of tokens whose most probable expert is another one.</param>
public sealed record RoutingMove(int Block, double MeanChange, double MovedShare);

/// <summary>A look at a few validation images during a run.</summary>
/// <param name="File">The sheet, a PNG, by its name in the run's folder.</param>
/// <param name="Sigma">The noise on it.</param>
/// <param name="Moves">One for each block; empty at the first look.</param>
public sealed record TrainingSample(string File, double Sigma, IReadOnlyList<RoutingMove> Moves);

/// <summary>
/// Looks at the same few validation images with the same noise again and again during a run: a row for each, with the noisy image, the restored one, the clean one and, for every
/// block, the most probable expert of each patch (black the first, white the last). At most 50 looks and the last one; none of it is random or changes the run.
/// </summary>
internal sealed class TrainingSamples
{
    public const string Folder = "samples", RoutingFile = "routing.safetensors";
    private const int Images = 4, Looks = 50, Shown = 96, Gap = 4;
    private const long NoisePurpose = 6;
    private readonly string _folder;
    private readonly Recipe _recipe;
    private readonly TrainingData _validation;
    private readonly long _steps;
    private long? _last;

    /// <summary>Forgets looks from after the step that the run goes on from.</summary>
    public TrainingSamples(string runFolder, Recipe recipe, TrainingData validation, long steps, long step)
    {
        (_folder, _recipe, _validation, _steps) = (Path.Combine(runFolder, Folder), recipe, validation, steps);
        Directory.CreateDirectory(_folder);
        foreach (string sheet in Directory.GetFiles(_folder, "step-*.png").Where(f => StepOf(f) > step)) File.Delete(sheet);
        if (!File.Exists(RoutingPath)) return;
        using (SafetensorsFile before = Safetensors.Read(RoutingPath)) _last = long.Parse(before.Metadata["step"], CultureInfo.InvariantCulture);
        if (_last <= step) return;
        File.Delete(RoutingPath);
        _last = null;
    }

    private string RoutingPath => Path.Combine(_folder, RoutingFile);

    /// <summary>Whether there is to be a look at this validation.</summary>
    public bool IsDue(long step) => _last is not { } last || step == _steps || step - last >= (_steps + Looks - 1) / Looks;

    /// <summary>Looks, and writes the sheet.</summary>
    public TrainingSample Look(SmallViT network, long step)
    {
        network.eval();
        using var inference = inference_mode();
        using var scope = NewDisposeScope();
        PatchSet set = _validation.Sets[0];
        double sigma = _recipe.ValidationSigmas[_recipe.ValidationSigmas.Count / 2];
        int count = Math.Min(Images, set.Count);
        Tensor clean = set.Batch(Enumerable.Range(0, count).ToArray()); // (B, 3, T, T)
        Tensor noisy = Noise.Add(clean, full(count, (float)sigma), 1, Seeds.Derive(_recipe.Seed, NoisePurpose, 0));
        (Tensor image, Tensor routing) = network.call(noisy); // (B, 3, T, T), (B, L, N, E)
        IReadOnlyList<RoutingMove> moves = MovesTo(routing);
        string name = string.Create(CultureInfo.InvariantCulture, $"step-{step:D8}.png");
        AtomicFile.Write(Path.Combine(_folder, name), ImageCodec.Encode(Sheet(noisy, image.ClampToUnit(), clean, routing), ImageFormat.Png));
        Safetensors.Write(RoutingPath, new Dictionary<string, Tensor> { ["routing"] = routing }, new Dictionary<string, string> { ["step"] = step.ToString(CultureInfo.InvariantCulture) });
        _last = step;
        return new TrainingSample($"{Folder}/{name}", sigma, moves);
    }

    private RoutingMove[] MovesTo(Tensor routing)
    {
        if (!File.Exists(RoutingPath)) return [];
        using SafetensorsFile file = Safetensors.Read(RoutingPath);
        Tensor before = file.Tensors["routing"];
        float[] change = (routing - before).abs().sum(-1).Times(0.5).mean([0, 2]).data<float>().ToArray(); // (L)
        float[] moved = routing.argmax(-1).ne(before.argmax(-1)).to(ScalarType.Float32).mean([0, 2]).data<float>().ToArray(); // (L)
        return [.. change.Select((c, block) => new RoutingMove(block + 1, Math.Round(c, 6), Math.Round(moved[block], 6)))];
    }

    /// <summary>Rows of squares on white, every pixel as a square if the images are small.</summary>
    private static Picture Sheet(Tensor noisy, Tensor image, Tensor clean, Tensor routing)
    {
        int side = (int)clean.shape[2], scale = Math.Max(1, Shown / side), grid = (int)Math.Sqrt(routing.shape[2]);
        int experts = (int)routing.shape[3], maps = experts > 1 ? (int)routing.shape[1] : 0;
        Tensor chosen = routing.argmax(-1).to(ScalarType.Float32).Times(1 / Math.Max(1.0, experts - 1)); // (B, L, N), 0 to 1
        Tensor[] columns = [noisy, image, clean, .. Enumerable.Range(0, maps).Select(Map)]; // each (B, 3, T, T)
        Tensor[] framed = [.. columns.Select(c => nn.functional.pad(Enlarged(c, scale), [Gap, 0, Gap, 0], PaddingModes.Constant, 1))];
        Tensor rows = nn.functional.pad(cat(framed, 3), [0, Gap], PaddingModes.Constant, 1); // (B, 3, height, width)
        Tensor sheet = nn.functional.pad(cat([.. rows.unbind(0)], 1), [0, 0, 0, Gap], PaddingModes.Constant, 1).contiguous(); // (3, height, width)
        return new Picture(sheet.data<float>().ToArray(), 3, (int)sheet.shape[1], (int)sheet.shape[2]);

        Tensor Map(int block) => Enlarged(chosen[.., block].reshape(-1, 1, grid, grid), side / grid).expand(-1, 3, -1, -1);
    }

    private static Tensor Enlarged(Tensor x, int by) => x.repeat_interleave(by, 2).repeat_interleave(by, 3);

    private static long StepOf(string sheet) => long.TryParse(Path.GetFileNameWithoutExtension(sheet)["step-".Length..], NumberStyles.None, CultureInfo.InvariantCulture, out long step) ? step : 0;
}
