using DenoiseService.Model;

namespace DenoiseService.Training.Experiments;

/// <summary>Keeps all images' maps, of two noise draws, as long as the images can be compared with each other.</summary>
internal sealed class RoutingDraws
{
    // 2 × 256 MiB; the 10,000 images of a test set in the report's network take a fifteenth.
    private const long MaxValues = 1L << 26;

    private readonly List<float[]>[] _first, _second;
    private readonly int _images;
    private (int Rows, int Columns)? _size;

    public RoutingDraws(ModelConfig config, int images, bool withNoise)
    {
        (_images, WithNoise) = (images, withNoise);
        _first = Enumerable.Range(0, config.Blocks).Select(_ => new List<float[]>()).ToArray();
        _second = Enumerable.Range(0, config.Blocks).Select(_ => new List<float[]>()).ToArray();
        if (images < 2) WhyNot = "there is only one image";
    }

    /// <summary>Why the images are not compared; null if they are.</summary>
    public string? WhyNot { get; private set; }

    /// <summary>Images have noise, and so two draws.</summary>
    public bool WithNoise { get; }

    /// <summary>A second draw is still of use.</summary>
    public bool WantsSecond => WithNoise && WhyNot is null;

    public void Add(PatchRouting[] first, PatchRouting[]? second)
    {
        _size ??= (first[0].Rows, first[0].Columns);
        if (_size != (first[0].Rows, first[0].Columns)) GiveUp("the images differ in size");
        if ((long)_images * first.Sum(b => b.Probabilities.LongLength) > MaxValues) GiveUp("their maps are too large to be kept");
        if (WhyNot is not null) return;
        for (int block = 0; block < first.Length; block++)
        {
            _first[block].Add(first[block].Probabilities);
            if (second is not null) _second[block].Add(second[block].Probabilities);
        }
    }

    public ImageDifferences? Compare(int block, int experts, int permutations, long seed) =>
        WhyNot is not null || _first[block].Count < 2 ? null : RoutingDifferences.Compare(_first[block], _second[block], experts, permutations, seed);

    private void GiveUp(string why)
    {
        WhyNot ??= why;
        foreach (List<float[]> maps in _first.Concat(_second)) maps.Clear();
    }
}
