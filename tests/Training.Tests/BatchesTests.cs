using static TorchSharp.torch;

namespace DenoiseService.Training.Tests;

public sealed class BatchesTests : IDisposable
{
    private const int Steps = 6;

    private static readonly Recipe Drawn = Small.Recipe with { Model = Small.Told, GrainMax = 0.01, RecolouredShare = 0.5, ToldShare = 0.5 };

    private readonly int _threads = get_num_threads();

    public void Dispose() => set_num_threads(_threads);

    [Theory]
    [InlineData(1)] // each when it is asked for
    [InlineData(2)] // the next one on a thread of its own
    public void The_step_alone_decides_a_batch(int threads)
    {
        float[][] fresh = Enumerable.Range(0, Steps).Select(step =>
        {
            using var one = new Batches(Drawn, Small.Data(20), steps: step + 1);
            return Values(one.Of(step));
        }).ToArray();
        for (int step = 1; step < Steps; step++) Assert.NotEqual(fresh[step - 1], fresh[step]);

        set_num_threads(threads);
        using var batches = new Batches(Drawn, Small.Data(20), Steps);
        for (int step = 0; step < Steps; step++) Assert.Equal(fresh[step], Values(batches.Of(step)));
        Assert.Equal(fresh[2], Values(batches.Of(2)));
        Assert.Equal(fresh[0], Values(batches.Of(0))); // not the step after the last one
        Assert.Equal(threads, get_num_threads());
    }

    [Fact]
    public void A_batch_that_nobody_asks_for_any_more_is_disposed()
    {
        set_num_threads(2);
        Use(); // what the library makes once is not counted
        long before = Tensor.TotalCount;
        Use();
        Assert.Equal(before, Tensor.TotalCount);

        static void Use()
        {
            using var batches = new Batches(Drawn, Small.Data(20), Steps);
            Values(batches.Of(0));
            Values(batches.Of(3)); // step 1 was made in vain
        } // and so was step 4
    }

    private static float[] Values((Tensor Noisy, Tensor Clean) batch)
    {
        using Tensor noisy = batch.Noisy, clean = batch.Clean;
        Assert.Equal([Drawn.BatchSize, 4, 16, 16], noisy.shape);
        Assert.Equal([Drawn.BatchSize, 3, 16, 16], clean.shape);
        return [.. noisy.data<float>(), .. clean.data<float>()];
    }
}
