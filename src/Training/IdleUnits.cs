using DenoiseService.Model;
using TorchSharp.Modules;

namespace DenoiseService.Training;

/// <summary>
/// Units of a network's pairs of convolutions that no gradient has reached for long: rectified, they answer 0 to every image and would do so for ever. They are drawn
/// anew, and what the second convolution makes of them starts from 0, so that the network's answers stay what they are. The noise estimator's two convolutions have a pair's names and are one here.
/// </summary>
internal static class IdleUnits
{
    /// <summary>A running mean of the gradient as small as this has seen none for more than 600 (Adam) or 1,200 steps (Muon), or ever.</summary>
    public const float Faded = 1e-30f;

    private const string First = "first.weight";

    /// <summary>Draws them anew.</summary>
    /// <returns>How many.</returns>
    /// <param name="network">Trained by the optimiser; float32, contiguous.</param>
    /// <param name="mean">The running mean of its weights, which gets the new units too: it would mix them with the old ones.</param>
    /// <param name="optimiser">Knows how long they were idle.</param>
    /// <param name="seed">Of the new weights.</param>
    public static int Revive(SmallViT network, SmallViT? mean, IOptimiser optimiser, long seed)
    {
        Dictionary<string, Parameter> trained = Named(network), averaged = mean is null ? [] : Named(mean);
        List<(string Pair, int Unit)> idle = Of(network, optimiser);
        foreach ((int number, (string pair, int unit)) in idle.Index())
        {
            Parameter weight = trained[pair + First]; // (units, inputs, k, k)
            float[] drawn = Draw((int)(weight.numel() / weight.shape[0]), (int)(weight.shape[2] * weight.shape[3]), Seeds.Derive(seed, number, unit));
            Replace(trained, pair, unit, drawn);
            if (mean is not null) Replace(averaged, pair, unit, drawn);
        }

        return idle.Count;
    }

    /// <summary>Which they are: the beginning of their pair's weights' names, and their number in it.</summary>
    public static List<(string Pair, int Unit)> Of(SmallViT network, IOptimiser optimiser)
    {
        List<(string, int)> idle = [];
        foreach ((string name, Parameter weight) in Named(network).Where(p => p.Key.EndsWith("." + First, StringComparison.Ordinal)))
        {
            ReadOnlySpan<float> moments = optimiser.MeanGradient(weight);
            int fan = moments.Length / (int)weight.shape[0]; // inputs · k · k
            for (int unit = 0; unit < weight.shape[0]; unit++)
            {
                if (!moments.Slice(unit * fan, fan).ContainsAnyExceptInRange(-Faded, Faded)) idle.Add((name[..^First.Length], unit));
            }
        }

        return idle;
    }

    private static Dictionary<string, Parameter> Named(SmallViT network) => network.named_parameters().ToDictionary(p => p.name, p => p.parameter);

    /// <summary>As a fresh convolution is drawn, but each window without its mean: a unit that answers to evenness alone is soon always on, or off again.</summary>
    private static float[] Draw(int fan, int window, long seed)
    {
        var random = new Random((int)seed);
        return [.. Enumerable.Range(0, fan).Select(_ => (float)((2 * random.NextDouble() - 1) / Math.Sqrt(fan))).Chunk(window).SelectMany(w => w.Select(v => v - w.Average()))];
    }

    private static void Replace(Dictionary<string, Parameter> weights, string pair, int unit, float[] drawn)
    {
        Parameter second = weights[pair + "second.weight"]; // (outputs, units, k, k)
        drawn.CopyTo(Adam.Values(weights[pair + First])[(unit * drawn.Length)..]);
        Adam.Values(weights[pair + "first.bias"])[unit] = 0;
        int units = (int)second.shape[1], window = (int)(second.shape[2] * second.shape[3]);
        Span<float> values = Adam.Values(second);
        for (int output = 0; output < second.shape[0]; output++) values.Slice((output * units + unit) * window, window).Clear();
    }
}
