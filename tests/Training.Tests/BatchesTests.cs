using static TorchSharp.torch;

namespace DenoiseService.Training.Tests;

public sealed class BatchesTests
{
    private static readonly Recipe Drawn = Small.Recipe with { Model = Small.Told, GrainMax = 0.01, RecolouredShare = 0.5, ToldShare = 0.5 };

    [Fact]
    public void The_step_alone_decides_a_batch()
    {
        float[][] fresh = Enumerable.Range(0, 6).Select(step => Values(new Batches(Drawn, Small.Data(20)), step)).ToArray();
        for (int step = 1; step < fresh.Length; step++) Assert.NotEqual(fresh[step - 1], fresh[step]);

        var batches = new Batches(Drawn, Small.Data(20));
        foreach (int step in new[] { 0, 1, 2, 3, 4, 5, 2, 0 }) Assert.Equal(fresh[step], Values(batches, step));
    }

    [Fact]
    public void A_batch_lives_as_long_as_the_scope_it_was_asked_for_in()
    {
        var batches = new Batches(Drawn, Small.Data(20));
        Values(batches, 0); // what the library makes once is not counted
        long before = Tensor.TotalCount;
        Values(batches, 1);
        Assert.Equal(before, Tensor.TotalCount);
    }

    private static float[] Values(Batches batches, int step)
    {
        using var scope = NewDisposeScope();
        (Tensor noisy, Tensor clean, Tensor sigma) = batches.Of(step);
        Assert.Equal([Drawn.BatchSize, 4, 16, 16], noisy.shape);
        Assert.Equal([Drawn.BatchSize, 3, 16, 16], clean.shape);
        Assert.Equal([Drawn.BatchSize], sigma.shape);
        return [.. noisy.data<float>(), .. clean.data<float>(), .. sigma.data<float>()];
    }
}
