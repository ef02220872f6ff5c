using System.Buffers.Binary;
using System.Text;
using DenoiseService.Model.Attention;
using static TorchSharp.torch;

namespace DenoiseService.Model.Tests;

/// <summary>
/// Weights under the reference's names (REFERENCE.md §1), listed here without asking src/Model, and large enough that every part of the network
/// matters: scores of order 1, a router with opinions, an output that is mostly inside [0, 1].
/// </summary>
internal sealed class RandomWeights
{
    private readonly Random _random;

    private RandomWeights(int seed) => _random = new Random(seed);

    public Dictionary<string, (int[] Shape, float[] Values)> Arrays { get; } = [];

    public static RandomWeights For(ModelConfig config, int seed)
    {
        var w = new RandomWeights(seed);
        int d = config.Width, p = config.PatchSide;
        w.Add("pos_embed", 0.5, 0, 1, config.Tokens, d);
        w.Add("patch_embed.weight", 1 / Math.Sqrt(3 * p * p), 0, d, 3, p, p);
        w.Add("patch_embed.bias", 0.1, 0, d);
        w.Add("patch_unembed.weight", 0.1 / Math.Sqrt(d), 0, d, 3, p, p);
        w.Add("patch_unembed.bias", 0.02, config.Residual ? 0 : 0.5, 3);
        for (int i = 0; i < config.Blocks; i++)
        {
            string block = $"blocks.{i}.", attention = block + "attn.";
            foreach (string norm in new[] { "norm1", "norm2" })
            {
                w.Add($"{block}{norm}.weight", 0.2, 1, d);
                w.Add($"{block}{norm}.bias", 0.1, 0, d);
            }

            w.Linear($"{block}ffn.0", d, config.FeedForwardWidth);
            w.Linear($"{block}ffn.2", config.FeedForwardWidth, d);
            if (config.Attention == AttentionKind.Standard)
            {
                w.Projections(attention, d);
                continue;
            }

            for (int e = 0; e < config.KeysKept.Count; e++) w.Projections($"{attention}experts.{e}.", d);
            w.Linear($"{attention}merge_proj", d, d);
            if (config.Attention == AttentionKind.NonAdaptiveSparse) continue;
            w.Linear($"{attention}router.routing_net.0", d, config.RouterWidth);
            w.Linear($"{attention}router.routing_net.2", config.RouterWidth, config.KeysKept.Count);
        }

        return w;
    }

    /// <summary>The lines of a golden file: name, dtype, shape.</summary>
    public static IEnumerable<string> Lines(IEnumerable<(string Name, long[] Shape)> tensors) =>
        tensors.OrderBy(t => t.Name, StringComparer.Ordinal).Select(t => $"{t.Name} [{string.Join(", ", t.Shape)}]");

    public SmallViT Network(ModelConfig config, TopKAttention? topK = null)
    {
        var network = new SmallViT(config, topK);
        Dictionary<string, Tensor> tensors = Arrays.ToDictionary(a => a.Key, a => tensor(a.Value.Values, a.Value.Shape.Select(s => (long)s).ToArray()));
        Checkpoint.Fill(network, tensors, "random weights");
        foreach (Tensor t in tensors.Values) t.Dispose();
        network.eval();
        return network;
    }

    /// <summary>A safetensors file as another program would write it: own header text, insertion order, no padding.</summary>
    public byte[] ToForeignSafetensors()
    {
        var header = new StringBuilder("{\"__metadata__\":{\"format\":\"pt\"}");
        using var body = new MemoryStream();
        foreach ((string name, (int[] shape, float[] values)) in Arrays)
        {
            long from = body.Length;
            byte[] four = new byte[4];
            foreach (float value in values)
            {
                BinaryPrimitives.WriteSingleLittleEndian(four, value);
                body.Write(four);
            }

            header.Append($$""","{{name}}":{"dtype":"F32","shape":[{{string.Join(",", shape)}}],"data_offsets":[{{from}},{{body.Length}}]}""");
        }

        byte[] json = Encoding.UTF8.GetBytes(header.Append('}').ToString()), length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, json.Length);
        return [.. length, .. json, .. body.ToArray()];
    }

    private void Projections(string prefix, int d)
    {
        foreach (string name in new[] { "W_q", "W_k", "W_v", "W_out" }) Linear(prefix + name, d, d);
    }

    private void Linear(string name, int inputs, int outputs)
    {
        Add(name + ".weight", 1 / Math.Sqrt(inputs), 0, outputs, inputs);
        Add(name + ".bias", 0.1, 0, outputs);
    }

    private void Add(string name, double deviation, double mean, params int[] shape)
    {
        var values = new float[shape.Aggregate(1, (a, b) => a * b)];
        for (int i = 0; i < values.Length; i++) values[i] = (float)(mean + deviation * Numbers.Normal(_random));
        Arrays.Add(name, (shape, values));
    }
}

internal static class Numbers
{
    public static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

    /// <summary>Uniform in [0, 1).</summary>
    public static float[] Uniform(int count, int seed)
    {
        var random = new Random(seed);
        var values = new float[count];
        for (int i = 0; i < count; i++) values[i] = random.NextSingle();
        return values;
    }

    public static float[] Normals(int count, int seed)
    {
        var random = new Random(seed);
        var values = new float[count];
        for (int i = 0; i < count; i++) values[i] = (float)Normal(random);
        return values;
    }

    public static double LargestDifference(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        Assert.Equal(a.Length, b.Length);
        double largest = 0;
        for (int i = 0; i < a.Length; i++)
        {
            double difference = Math.Abs((double)a[i] - b[i]);
            if (!(difference <= largest)) largest = difference; // NaN stays
        }

        return largest;
    }

    public static double LargestDifference(IEnumerable<double> a, ReadOnlySpan<float> b) => LargestDifference(a.Select(x => (float)x).ToArray(), b);
}
