using DenoiseService.Model;
using DenoiseService.Training.Data;
using static TorchSharp.torch;

namespace DenoiseService.Training;

/// <summary>What a run learns from, step by step: squares of clean pictures, recoloured and with grain where the recipe says so, and the same with noise. The step alone decides a batch.</summary>
internal sealed class Batches(Recipe recipe, TrainingData data)
{
    private const long NoisePurpose = 3, SigmaPurpose = 4, ColourPurpose = 6, ToldPurpose = 7, GrainPurpose = 8;

    private readonly Sampler _sampler = new(data, recipe.BatchSize, recipe.Augment, recipe.Seed);

    /// <summary>The batch of a step, from 0 on: (B, 3 or, for a network that is told σ, 4, side, side), (B, 3, side, side) and (B), all float32, in the caller's dispose scope.</summary>
    public (Tensor Noisy, Tensor Clean, Tensor Sigma) Of(long step)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Tensor clean = _sampler.Batch(step); // (B, 3, side, side)
        if (recipe.RecolouredShare > 0) Recolouring.Apply(clean, recipe.RecolouredShare, Seed(ColourPurpose));
        if (recipe.GrainMax > 0) clean = Noise.WithGrain(clean, recipe.GrainMax, Seed(GrainPurpose));
        Tensor sigma = Noise.Levels((int)clean.shape[0], recipe.SigmaMin, recipe.SigmaMax, recipe.SigmaPower, Seed(SigmaPurpose)); // (B)
        Tensor noisy = Noise.Add(clean, sigma, recipe.ClampedShare, Seed(NoisePurpose));
        if (recipe.Model.NoiseLevelInput) noisy = NoiseLevel.Beside(noisy, Noise.Told(sigma, recipe.ToldShare, Seed(ToldPurpose))); // (B, 4, side, side)
        return (noisy.MoveToOuterDisposeScope(), clean.MoveToOuterDisposeScope(), sigma.MoveToOuterDisposeScope());

        long Seed(long purpose) => Seeds.Derive(recipe.Seed, purpose, step);
    }
}
