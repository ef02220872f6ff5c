using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using TorchSharp.Modules;

namespace DenoiseService.Training;

/// <summary>
/// Adam, and with weight decay AdamW (Kingma and Ba 2015; Loshchilov and Hutter 2019): β 0.9 and 0.999, ε 10⁻⁸. One pass over each parameter's memory.
/// The library's own optimisers read numbers that the collector may free meanwhile ("Expected false to be true", docs/LOG.md), which ended long runs.
/// </summary>
internal sealed class Adam : IOptimiser
{
    private const float Beta1 = 0.9f, Beta2 = 0.999f, Epsilon = 1e-8f;

    private readonly Parameter[] _parameters;
    private readonly float[][] _firstMoments, _secondMoments; // running means of the gradients and of their squares
    private readonly float _weightDecay;

    /// <summary>Starts with empty moments.</summary>
    /// <param name="parameters">float32 on the CPU, contiguous.</param>
    /// <param name="weightDecay">Decoupled; 0 is Adam.</param>
    public Adam(IEnumerable<Parameter> parameters, double weightDecay)
    {
        _parameters = [.. parameters];
        _weightDecay = (float)weightDecay;
        _firstMoments = _parameters.Select(p => new float[p.numel()]).ToArray();
        _secondMoments = _parameters.Select(p => new float[p.numel()]).ToArray();
    }

    public IEnumerable<(string Name, float[][] Moments)> State => [("adam.m.", _firstMoments), ("adam.v.", _secondMoments)];

    public ReadOnlySpan<float> MeanGradient(Parameter parameter) => _firstMoments[IndexOf(_parameters, parameter)];

    public void ZeroGradients() => ZeroGradients(_parameters);

    public static void ZeroGradients(IEnumerable<Parameter> parameters)
    {
        foreach (Parameter parameter in parameters)
        {
            using var gradient = parameter.grad;
            gradient?.zero_();
        }
    }

    /// <summary>Moves every parameter that has a gradient.</summary>
    /// <param name="step">Counts from 0.</param>
    /// <param name="rate">Learning rate of this step.</param>
    public void Step(long step, double rate)
    {
        double first = 1 - Math.Pow(Beta1, step + 1), second = 1 - Math.Pow(Beta2, step + 1);
        var factors = new Factors((float)(rate / first), (float)(1 / Math.Sqrt(second)), (float)(1 - rate * _weightDecay));
        for (int p = 0; p < _parameters.Length; p++)
        {
            using var gradient = _parameters[p].grad;
            if (gradient is not null) Move(Values(_parameters[p]), Values(gradient), _firstMoments[p], _secondMoments[p], factors);
        }
    }

    /// <summary>Where a parameter stands; −1 if it does not. It itself: the library calls any two of the same values equal.</summary>
    internal static int IndexOf(Parameter[] parameters, Parameter parameter) => Array.FindIndex(parameters, p => ReferenceEquals(p, parameter));

    internal static Span<float> Values(TorchSharp.torch.Tensor tensor) => MemoryMarshal.Cast<byte, float>(tensor.bytes);

    /// <param name="Rate">Learning rate over the first moment's bias correction.</param>
    /// <param name="Root">1 / √ of the second moment's bias correction.</param>
    /// <param name="Keep">What weight decay leaves of a weight.</param>
    private readonly record struct Factors(float Rate, float Root, float Keep);

    private static void Move(Span<float> weights, ReadOnlySpan<float> gradients, Span<float> first, Span<float> second, Factors by)
    {
        int lanes = Vector512<float>.Count, i = 0;
        for (; i <= weights.Length - lanes; i += lanes)
        {
            Vector512<float> g = Vector512.Create(gradients[i..]);
            Vector512<float> m = Vector512.Create<float>(first[i..]) * Beta1 + g * (1 - Beta1), v = Vector512.Create<float>(second[i..]) * Beta2 + g * g * (1 - Beta2);
            m.CopyTo(first[i..]);
            v.CopyTo(second[i..]);
            (Vector512.Create<float>(weights[i..]) * by.Keep - m * by.Rate / (Vector512.Sqrt(v) * by.Root + Vector512.Create(Epsilon))).CopyTo(weights[i..]);
        }

        for (; i < weights.Length; i++)
        {
            float g = gradients[i];
            first[i] = first[i] * Beta1 + g * (1 - Beta1);
            second[i] = second[i] * Beta2 + g * g * (1 - Beta2);
            weights[i] = weights[i] * by.Keep - first[i] * by.Rate / (MathF.Sqrt(second[i]) * by.Root + Epsilon);
        }
    }
}
