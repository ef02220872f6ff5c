using DenoiseService.Model;

namespace DenoiseService.Training.Experiments;

/// <summary>Floating-point operations of one forward pass over one tile; a multiply and an add are two. By the report's formula, and counted honestly.</summary>
public static class Flops
{
    /// <summary>
    /// The report's formula: keys × 2 × width for every token, for one attention of the whole network. Full attention has N keys; the mixture the
    /// plain mean of its budgets, not capped at N; the non-adaptive model the last budget. No projections, no scores beyond the kept ones, no router.
    /// (It gives the report's 1.05 M and 1.22 M at 32×32 and 16.8 M and 4.89 M at 64×64, but not its 0.89 M of the non-adaptive model.)
    /// </summary>
    public static double ByReport(ModelConfig config)
    {
        double keys = config.Attention switch
        {
            AttentionKind.None => 0,
            AttentionKind.Standard => config.WindowTokens,
            AttentionKind.NonAdaptiveSparse => config.KeysKept[^1],
            _ => config.KeysKept.Average(),
        };
        return config.Tokens * keys * 2 * config.Width;
    }

    /// <summary>
    /// Every matrix product and convolution of the network: patches, projections, router, all scores (top-k needs every one of them), the weighted
    /// sums of the kept values, merge and feed-forward; with a stem its convolutions. Only the noise estimator, a 500th of the photographs' network, is left out.
    /// </summary>
    public static double Honest(ModelConfig config)
    {
        double n = config.Tokens, d = config.Width, square = 2 * n * d * d;
        double perBlock = Attention(config) + 2 * 2 * n * d * config.FeedForwardWidth;
        int channels = config.HasStem ? config.HalfWidth : 3, patch = config.HasStem ? config.PatchSide / 2 : config.PatchSide;
        double patches = 2 * 2 * n * d * channels * patch * patch;
        double pairs = 2 * n * 2 * config.TokenPairs * 9 * d * d;
        return patches + pairs + config.Blocks * perBlock + Stem(config);

        double Attention(ModelConfig c)
        {
            double scores = 2 * n * c.WindowTokens * d, experts = c.KeysKept.Count, kept = c.KeysAttended.Sum(k => 2 * n * k * d);
            double router = c.Routing == RoutingKind.Learned ? 2 * n * c.RouterWidth * (d + experts) : 0;
            return c.Attention switch
            {
                AttentionKind.None => 0,
                AttentionKind.Standard => 4 * square + 2 * scores,
                AttentionKind.NonAdaptiveSparse => 5 * square + scores + 2 * n * c.KeysAttended[^1] * d,
                AttentionKind.SharedMixture => router + 4 * square + 2 * scores,
                _ => router + (4 * experts + 1) * square + experts * scores + kept,
            };
        }
    }

    private static double Stem(ModelConfig config)
    {
        if (!config.HasStem) return 0;
        double full = (double)config.TileSide * config.TileSide, half = full / 4, s = config.StemWidth, m = config.HalfWidth;
        double pairs = 2 * half * 4 * config.StemPairs * 9 * m * m;
        return pairs + (config.UnshuffledStem ? 2 * half * 9 * (4 * config.InputPlanes * m + m * 12) : 2 * full * 9 * (3 * s + s * s + s * 3) + 2 * half * 4 * (s * m + m * s));
    }
}
