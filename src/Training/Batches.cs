using DenoiseService.Model;
using DenoiseService.Training.Data;
using static TorchSharp.torch;

namespace DenoiseService.Training;

/// <summary>What a run learns from, step by step: squares of clean pictures, recoloured and with grain where the recipe says so, and the same with noise.</summary>
/// <remarks>The step alone decides a batch. Where more than one thread may compute, the next one is made while the network still learns from this one.</remarks>
internal sealed class Batches : IDisposable
{
    private const long NoisePurpose = 3, SigmaPurpose = 4, ColourPurpose = 6, ToldPurpose = 7, GrainPurpose = 8;

    private readonly Recipe _recipe;
    private readonly Sampler _sampler;
    private readonly long _steps;
    private (long Step, Task<(Tensor Noisy, Tensor Clean)> Made)? _next;

    /// <summary>Prepares the batches of a run of so many steps.</summary>
    public Batches(Recipe recipe, TrainingData data, long steps)
    {
        (_recipe, _steps) = (recipe, steps);
        _sampler = new Sampler(data, recipe.BatchSize, recipe.Augment, recipe.Seed);
    }

    /// <summary>The batch of a step, from 0 on, for the caller to dispose: (B, 3 or, for a network that is told σ, 4, side, side) and (B, 3, side, side), both float32.</summary>
    public (Tensor Noisy, Tensor Clean) Of(long step)
    {
        if (_next is { } other && other.Step != step) Forget();
        (Tensor Noisy, Tensor Clean) batch = _next is { } next ? next.Made.GetAwaiter().GetResult() : Make(step);
        int threads = get_num_threads();
        // A thread of its own: one of the pool's could be late, or keep a replica waiting.
        _next = step + 1 < _steps && threads > 1 ? (step + 1, Task.Factory.StartNew(() => MakeBeside(step + 1, threads), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)) : null;
        return batch;
    }

    public void Dispose() => Forget();

    private void Forget()
    {
        if (_next is not { } next) return;
        _next = null;
        ((IAsyncResult)next.Made).AsyncWaitHandle.WaitOne();
        if (!next.Made.IsCompletedSuccessfully) return; // it would have failed the step that nobody asks for any more
        next.Made.Result.Noisy.Dispose();
        next.Made.Result.Clean.Dispose();
    }

    private (Tensor Noisy, Tensor Clean) MakeBeside(long step, int threads)
    {
        try
        {
            set_num_threads(1);
            return Make(step);
        }
        finally
        {
            set_num_threads(threads); // the last call is also the default of every thread that starts later
        }
    }

    private (Tensor Noisy, Tensor Clean) Make(long step)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Tensor clean = _sampler.Batch(step); // (B, 3, side, side)
        if (_recipe.RecolouredShare > 0) Recolouring.Apply(clean, _recipe.RecolouredShare, Seeds.Derive(_recipe.Seed, ColourPurpose, step));
        if (_recipe.GrainMax > 0) clean = Noise.WithGrain(clean, _recipe.GrainMax, Seeds.Derive(_recipe.Seed, GrainPurpose, step));
        Tensor sigma = Noise.Levels((int)clean.shape[0], _recipe.SigmaMin, _recipe.SigmaMax, _recipe.SigmaPower, Seeds.Derive(_recipe.Seed, SigmaPurpose, step)); // (B)
        Tensor noisy = Noise.Add(clean, sigma, _recipe.ClampedShare, Seeds.Derive(_recipe.Seed, NoisePurpose, step));
        if (_recipe.Model.NoiseLevelInput) noisy = NoiseLevel.Beside(noisy, Noise.Told(sigma, _recipe.ToldShare, Seeds.Derive(_recipe.Seed, ToldPurpose, step))); // (B, 4, side, side)
        return (noisy.DetachFromDisposeScope(), clean.DetachFromDisposeScope());
    }
}
