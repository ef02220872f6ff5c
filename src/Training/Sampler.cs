using DenoiseService.Training.Data;
using static TorchSharp.torch;

namespace DenoiseService.Training;

/// <summary>Draws the batches of a run: every set is gone through in a new random order each time, and the step alone decides what comes.</summary>
internal sealed class Sampler
{
    private const long OrderPurpose = 1, TurnPurpose = 2;

    private readonly TrainingData _data;
    private readonly long _seed;
    private readonly bool _augment;
    private readonly int[] _perStep;
    private readonly (long Epoch, int[] Order)[] _orders;

    public Sampler(TrainingData data, int batchSize, bool augment, long seed)
    {
        (_data, _seed, _augment) = (data, seed, augment);
        _perStep = Split(data.Shares, batchSize);
        int unseen = Array.IndexOf(_perStep, 0);
        if (unseen >= 0) throw new RecipeException("Share", $"Share is {data.Shares[unseen]} for source {unseen + 1}; in batches of {batchSize} that is not one image. It must be larger, or the batch.");
        _orders = data.Sets.Select(_ => (-1L, Array.Empty<int>())).ToArray();
    }

    /// <summary>float32 (B, 3, side, side) of a step, mixed so that every part of the batch holds all sets.</summary>
    public Tensor Batch(long step)
    {
        var parts = new List<Tensor>();
        var random = new Random((int)Seeds.Derive(_seed, TurnPurpose, step));
        for (int s = 0; s < _perStep.Length; s++)
        {
            var indices = new int[_perStep[s]];
            for (int i = 0; i < indices.Length; i++) indices[i] = IndexAt(s, step * _perStep[s] + i);
            int[] turns = _augment ? indices.Select(_ => random.Next(8)).ToArray() : [];
            parts.Add(_data.Sets[s].Batch(indices, turns));
        }

        if (parts.Count == 1) return parts[0];
        long[] mixed = Enumerable.Range(0, _perStep.Sum()).Select(i => (long)i).ToArray();
        random.Shuffle(mixed);
        return cat(parts, 0).index_select(0, tensor(mixed));
    }

    /// <summary>Shares of a batch as whole numbers that add up to it, by largest remainder.</summary>
    internal static int[] Split(IReadOnlyList<double> shares, int batchSize)
    {
        double total = shares.Sum();
        double[] exact = shares.Select(s => s / total * batchSize).ToArray();
        int[] whole = exact.Select(e => (int)e).ToArray();
        foreach (int s in Enumerable.Range(0, exact.Length).OrderByDescending(s => exact[s] - whole[s]).Take(batchSize - whole.Sum())) whole[s]++;
        return whole;
    }

    private int IndexAt(int set, long position)
    {
        int count = _data.Sets[set].Count;
        long epoch = position / count;
        if (_orders[set].Epoch != epoch)
        {
            int[] order = Enumerable.Range(0, count).ToArray();
            new Random((int)Seeds.Derive(_seed, OrderPurpose + 16L * (set + 1), epoch)).Shuffle(order);
            _orders[set] = (epoch, order);
        }

        return _orders[set].Order[position % count];
    }
}
