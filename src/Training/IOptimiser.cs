using TorchSharp.Modules;

namespace DenoiseService.Training;

/// <summary>What moves the weights of a run, and what it must remember from step to step.</summary>
internal interface IOptimiser
{
    /// <summary>Its running means, one array a parameter; part of the state of a run.</summary>
    IEnumerable<(string Name, float[][] Moments)> State { get; }

    /// <summary>The running mean of the gradient of one of its parameters.</summary>
    ReadOnlySpan<float> MeanGradient(Parameter parameter);

    void ZeroGradients();

    /// <summary>Moves every parameter that has a gradient.</summary>
    /// <param name="step">Counts from 0.</param>
    /// <param name="rate">Learning rate of this step.</param>
    void Step(long step, double rate);
}
