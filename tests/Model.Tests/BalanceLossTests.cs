using static TorchSharp.torch;

namespace DenoiseService.Model.Tests;

public sealed class BalanceLossTests
{
    // Two images, one block, two tokens, two experts. Means over tokens: (0.8, 0.2) and (0.5, 0.5); over all: (0.65, 0.35).
    private static readonly float[] Probabilities = [0.9f, 0.1f, 0.7f, 0.3f, 0.4f, 0.6f, 0.6f, 0.4f];

    [Fact]
    public void Per_image_is_the_mean_over_images_of_KL_from_their_load_to_uniform()
    {
        double first = 0.8 * Math.Log(0.8 / 0.5) + 0.2 * Math.Log(0.2 / 0.5); // 0.19274; the second image is 0
        Assert.Equal(first / 2, Loss(Probabilities, [2, 1, 2, 2], BalanceForm.PerImage), 1e-6);
    }

    [Fact]
    public void Per_batch_is_KL_from_uniform_to_the_load_over_the_number_of_experts()
    {
        double divergence = 0.5 * Math.Log(0.5 / 0.65) + 0.5 * Math.Log(0.5 / 0.35); // 0.04715
        Assert.Equal(divergence / 2, Loss(Probabilities, [2, 1, 2, 2], BalanceForm.PerBatch), 1e-6);
    }

    [Theory]
    [InlineData(BalanceForm.PerImage)]
    [InlineData(BalanceForm.PerBatch)]
    public void Blocks_add_up(BalanceForm form)
    {
        float[] twice = [.. Probabilities[..4], .. Probabilities[..4], .. Probabilities[4..], .. Probabilities[4..]]; // (2, 2, 2, 2)
        Assert.Equal(2 * Loss(Probabilities, [2, 1, 2, 2], form), Loss(twice, [2, 2, 2, 2], form), 1e-6);
    }

    [Theory]
    [InlineData(BalanceForm.PerImage)]
    [InlineData(BalanceForm.PerBatch)]
    public void Uniform_routing_costs_nothing_and_anything_else_something(BalanceForm form)
    {
        Assert.Equal(0, Loss(Enumerable.Repeat(1f / 3, 2 * 2 * 5 * 3).ToArray(), [2, 2, 5, 3], form), 1e-6);
        // Every token decided, the load even: still nothing.
        Assert.Equal(0, Loss([1, 0, 0, 1], [1, 1, 2, 2], form), 1e-6);
        Assert.InRange(Loss([0.6f, 0.4f], [1, 1, 1, 2], form), 0.005, 1);
    }

    [Theory]
    [InlineData(BalanceForm.PerImage)]
    [InlineData(BalanceForm.PerBatch)]
    public void A_collapsed_router_has_a_finite_loss_and_a_gradient_that_evens_the_load(BalanceForm form)
    {
        using var scope = NewDisposeScope();
        Tensor logits = tensor(new[] { 30f, 0, -30 }, [1, 1, 1, 3], requires_grad: true);
        Tensor loss = BalanceLoss.Of(logits.softmax(-1), form);
        loss.backward();
        Assert.True(float.IsFinite(loss.item<float>()) && loss.item<float>() > 0.5);
        Assert.All(Networks.Read(logits.grad!), g => Assert.True(float.IsFinite(g)));

        Tensor uneven = tensor(new[] { 1f, 0, 0 }, [1, 1, 1, 3], requires_grad: true);
        BalanceLoss.Of(uneven.softmax(-1), form).backward();
        float[] gradient = Networks.Read(uneven.grad!);
        Assert.True(gradient[0] > 0.01 && gradient[1] < 0 && gradient[2] < 0);
    }

    private static double Loss(float[] routing, long[] shape, BalanceForm form)
    {
        using var scope = NewDisposeScope();
        return BalanceLoss.Of(tensor(routing, shape), form).item<float>();
    }
}
