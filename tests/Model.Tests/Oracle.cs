namespace DenoiseService.Model.Tests;

/// <summary>
/// The released network in plain loops and double precision, from its description alone. It stands in for the released checkpoint's outputs,
/// which cannot be had here.
/// </summary>
internal sealed class Oracle(ModelConfig config, IReadOnlyDictionary<string, (int[] Shape, float[] Values)> weights)
{
    /// <summary>
    /// The smallest distance met so far between a query's last kept score and the next one. Where it is below float32's rounding, which of the
    /// two is kept is nobody's mistake, and a comparison says nothing.
    /// </summary>
    public double SmallestBorder { get; private set; } = double.PositiveInfinity;

    /// <summary>(3, T, T) → (3, T, T) and (L, N, E).</summary>
    public (double[] Image, double[] Routing) Run(ReadOnlySpan<float> image)
    {
        int t = config.TileSide, p = config.PatchSide, grid = t / p, n = grid * grid, d = config.Width;
        float[] embed = weights["patch_embed.weight"].Values, embedBias = weights["patch_embed.bias"].Values, position = weights["pos_embed"].Values;
        var x = new double[n][];
        for (int token = 0; token < n; token++)
        {
            x[token] = new double[d];
            for (int o = 0; o < d; o++)
            {
                double sum = embedBias[o];
                for (int c = 0; c < 3; c++)
                {
                    for (int i = 0; i < p; i++)
                    {
                        for (int j = 0; j < p; j++)
                        {
                            int row = token / grid * p + i, column = token % grid * p + j;
                            sum += (double)embed[((o * 3 + c) * p + i) * p + j] * image[(c * t + row) * t + column];
                        }
                    }
                }

                x[token][o] = sum + position[token * d + o];
            }
        }

        var routing = new List<double>();
        for (int b = 0; b < config.Blocks; b++)
        {
            string block = $"blocks.{b}.";
            (double[][] attended, double[][] probabilities) = Attention(LayerNorm(x, block + "norm1"), block + "attn.");
            x = Add(x, attended);
            x = Add(x, Linear(Map(Linear(LayerNorm(x, block + "norm2"), block + "ffn.0"), Gelu), block + "ffn.2"));
            routing.AddRange(probabilities.SelectMany(r => r));
        }

        float[] unembed = weights["patch_unembed.weight"].Values, unembedBias = weights["patch_unembed.bias"].Values;
        var output = new double[3 * t * t];
        for (int c = 0; c < 3; c++)
        {
            for (int row = 0; row < t; row++)
            {
                for (int column = 0; column < t; column++)
                {
                    double sum = unembedBias[c];
                    double[] token = x[row / p * grid + column / p];
                    for (int i = 0; i < d; i++) sum += token[i] * unembed[((i * 3 + c) * p + row % p) * p + column % p];
                    int at = (c * t + row) * t + column;
                    if (config.Residual) sum += image[at];
                    output[at] = Math.Min(1, Math.Max(0, sum));
                }
            }
        }

        return (output, routing.ToArray());
    }

    /// <summary>Softmax attention of every query over its k largest scores; of equal scores the lower index first. Rows of length d.</summary>
    public static double[][] TopKAttention(double[][] q, double[][] k, double[][] v, int keysKept, out double border)
    {
        int n = k.Length, kept = Math.Min(keysKept, n);
        double scale = 1 / Math.Sqrt(k[0].Length);
        border = double.PositiveInfinity;
        var result = new double[q.Length][];
        for (int i = 0; i < q.Length; i++)
        {
            double[] scores = k.Select(key => scale * Dot(q[i], key)).ToArray();
            int[] order = Enumerable.Range(0, n).OrderByDescending(j => scores[j]).ThenBy(j => j).ToArray();
            if (kept < n) border = Math.Min(border, scores[order[kept - 1]] - scores[order[kept]]);
            int[] keys = order[..kept];
            double[] probabilities = Softmax(keys.Select(j => scores[j]).ToArray());
            result[i] = new double[v[0].Length];
            for (int j = 0; j < kept; j++)
            {
                for (int c = 0; c < result[i].Length; c++) result[i][c] += probabilities[j] * v[keys[j]][c];
            }
        }

        return result;
    }

    public static double[] Softmax(double[] values)
    {
        double max = values.Max();
        double[] e = values.Select(v => Math.Exp(v - max)).ToArray();
        double sum = e.Sum();
        return e.Select(v => v / sum).ToArray();
    }

    public static double Gelu(double x) => 0.5 * x * (1 + Erf(x / Math.Sqrt(2)));

    /// <summary>The error function to about 1e-15: Taylor series up to 3, continued fraction beyond.</summary>
    public static double Erf(double x)
    {
        double a = Math.Abs(x);
        if (a < 3)
        {
            double term = a, sum = a;
            for (int i = 1; Math.Abs(term) > 1e-18; i++)
            {
                term *= -a * a / i;
                sum += term / (2 * i + 1);
            }

            return Math.Sign(x) * 2 / Math.Sqrt(Math.PI) * sum;
        }

        double fraction = 0;
        for (int i = 60; i >= 1; i--) fraction = i / 2.0 / (a + fraction);
        return Math.Sign(x) * (1 - Math.Exp(-a * a) / Math.Sqrt(Math.PI) / (a + fraction));
    }

    private (double[][] Output, double[][] Routing) Attention(double[][] x, string prefix)
    {
        switch (config.Attention)
        {
            case AttentionKind.Standard:
                return (Expert(x, prefix, int.MaxValue), x.Select(_ => new[] { 1.0 }).ToArray());
            case AttentionKind.NonAdaptiveSparse:
                int last = config.KeysKept.Count - 1;
                double[][] output = Linear(Expert(x, $"{prefix}experts.{last}.", config.KeysKept[last]), prefix + "merge_proj");
                return (output, x.Select(_ => Enumerable.Range(0, last + 1).Select(e => e == last ? 1.0 : 0).ToArray()).ToArray());
            default:
                Func<double, double> activation = config.RouterActivation == RouterActivation.Relu ? z => Math.Max(0, z) : Gelu;
                double[][] routing = Linear(Map(Linear(x, prefix + "router.routing_net.0"), activation), prefix + "router.routing_net.2").Select(Softmax).ToArray();
                var mixed = x.Select(row => new double[row.Length]).ToArray();
                for (int e = 0; e < config.KeysKept.Count; e++)
                {
                    double[][] expert = Expert(x, $"{prefix}experts.{e}.", config.KeysKept[e]);
                    for (int i = 0; i < x.Length; i++)
                    {
                        for (int c = 0; c < config.Width; c++) mixed[i][c] += routing[i][e] * expert[i][c];
                    }
                }

                return (Linear(mixed, prefix + "merge_proj"), routing);
        }
    }

    private double[][] Expert(double[][] x, string prefix, int keysKept)
    {
        double[][] q = Linear(x, prefix + "W_q"), k = Linear(x, prefix + "W_k"), v = Linear(x, prefix + "W_v");
        int width = config.Width / config.Heads;
        var joined = x.Select(row => new double[row.Length]).ToArray();
        for (int h = 0; h < config.Heads; h++)
        {
            double[][] Head(double[][] rows) => rows.Select(r => r[(h * width)..((h + 1) * width)]).ToArray();
            double[][] attended = TopKAttention(Head(q), Head(k), Head(v), keysKept, out double border);
            SmallestBorder = Math.Min(SmallestBorder, border);
            for (int i = 0; i < x.Length; i++) attended[i].CopyTo(joined[i], h * width);
        }

        return Linear(joined, prefix + "W_out");
    }

    private double[][] Linear(double[][] x, string name)
    {
        (int[] shape, float[] weight) = weights[name + ".weight"];
        float[] bias = weights[name + ".bias"].Values;
        return x.Select(row =>
        {
            var result = new double[shape[0]];
            for (int o = 0; o < result.Length; o++)
            {
                double sum = bias[o];
                for (int i = 0; i < row.Length; i++) sum += (double)weight[o * row.Length + i] * row[i];
                result[o] = sum;
            }

            return result;
        }).ToArray();
    }

    private double[][] LayerNorm(double[][] x, string name)
    {
        float[] weight = weights[name + ".weight"].Values, bias = weights[name + ".bias"].Values;
        return x.Select(row =>
        {
            double mean = row.Average(), variance = row.Average(v => (v - mean) * (v - mean));
            return row.Select((v, i) => (v - mean) / Math.Sqrt(variance + 1e-5) * weight[i] + bias[i]).ToArray();
        }).ToArray();
    }

    private static double[][] Map(double[][] x, Func<double, double> f) => x.Select(row => row.Select(f).ToArray()).ToArray();

    private static double[][] Add(double[][] a, double[][] b) => a.Select((row, i) => row.Select((v, j) => v + b[i][j]).ToArray()).ToArray();

    private static double Dot(double[] a, double[] b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++) sum += a[i] * b[i];
        return sum;
    }
}

/// <summary>A network's input and what the oracle makes of it, with weights whose top-k borders float32 can tell apart.</summary>
internal sealed record OracleCase(RandomWeights Weights, float[] Images, int Count, double[] Outputs, double[] Routings)
{
    public static OracleCase For(ModelConfig config, int count = 2)
    {
        for (int seed = 1; ; seed++)
        {
            RandomWeights weights = RandomWeights.For(config, seed);
            var oracle = new Oracle(config, weights.Arrays);
            int floats = 3 * config.TileSide * config.TileSide;
            float[] images = Numbers.Uniform(count * floats, 100 + seed);
            (double[] Image, double[] Routing)[] results = Enumerable.Range(0, count).Select(i => oracle.Run(images.AsSpan(i * floats, floats))).ToArray();
            if (oracle.SmallestBorder < 1e-5) continue;
            return new OracleCase(weights, images, count, results.SelectMany(r => r.Image).ToArray(), results.SelectMany(r => r.Routing).ToArray());
        }
    }
}
