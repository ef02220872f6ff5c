using System.Text.Json.Serialization;
using static TorchSharp.torch;

namespace DenoiseService.Model;

/// <summary>Over which tokens the balance loss takes the mean, and which way the divergence points.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<BalanceForm>))]
public enum BalanceForm
{
    /// <summary>The report: for each image, KL(mean over its tokens ‖ uniform); then the mean over images.</summary>
    PerImage,

    /// <summary>The released code: KL(uniform ‖ mean over batch and tokens), divided by the number of experts.</summary>
    PerBatch,
}

/// <summary>The load-balance loss: how far the mean routing distribution is from the uniform one, in nats. Zero when all experts share the load.</summary>
public static class BalanceLoss
{
    private const double Tiny = 1e-9;

    /// <summary>The sum over blocks; multiply it by its weight (0.01 in the report).</summary>
    /// <param name="routing">Probabilities, (B, L, N, E).</param>
    /// <param name="form">Which of the two published forms.</param>
    /// <returns>A scalar that carries gradients.</returns>
    public static Tensor Of(Tensor routing, BalanceForm form)
    {
        long experts = routing.shape[3];
        if (form == BalanceForm.PerImage)
        {
            Tensor load = routing.mean([2]); // (B, L, E)
            Tensor divergence = (load * load.Times(experts).Plus(Tiny).log()).sum(-1); // (B, L)
            return divergence.mean([0]).sum();
        }

        Tensor mean = routing.mean([0, 2]); // (L, E)
        Tensor reverse = -mean.Times(experts).Plus(Tiny).log().mean([1]); // (L)
        return reverse.sum().Times(1.0 / experts);
    }
}
