using static TorchSharp.torch;

namespace DenoiseService.Training.Tests;

public sealed class RecolouringTests
{
    [Fact]
    public void Channels_move_brightness_scales_and_saturation_stretches_around_grey()
    {
        float[] image = [0.2f, 0.9f, 0.4f, 0.9f, 0.6f, 0.9f]; // two pixels: (0.2, 0.4, 0.6) and white
        Recolouring.Recolour(image, plane: 2, order: [2, 0, 1], brightness: 0.5f, saturation: 2);
        // Of the first the grey is 0.4: (0.6, 0.2, 0.4) → (0.8, 0, 0.4) → halves.
        float[] expected = [0.4f, 0.45f, 0f, 0.45f, 0.2f, 0.45f];
        Assert.All(expected.Zip(image), pair => Assert.Equal(pair.First, pair.Second, 1e-6f));
    }

    [Fact]
    public void The_asked_share_of_images_changes_stays_in_range_and_is_the_seeds()
    {
        using var scope = NewDisposeScope();
        Tensor before = rand(400, 3, 2, 2), first = before.clone(), second = before.clone();
        Recolouring.Apply(first, 0.25, 7);
        Recolouring.Apply(second, 0.25, 7);
        Assert.True(first.equal(second).all().item<bool>());
        Assert.True(first.ge(0).all().item<bool>() && first.le(1).all().item<bool>());
        long changed = first.ne(before).flatten(1).any(1).sum().item<long>();
        Assert.InRange(changed, 70, 130);
    }
}
