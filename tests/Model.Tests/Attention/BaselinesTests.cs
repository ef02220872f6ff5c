using DenoiseService.Model.Attention;
using static TorchSharp.torch;

namespace DenoiseService.Model.Tests.Attention;

public sealed class BaselinesTests
{
    [Fact]
    public void Standard_attention_reports_one_expert_that_everybody_uses()
    {
        using var attention = new StandardAttention(Networks.Odd, TopK.Fast);
        using var scope = NewDisposeScope();
        (Tensor output, Tensor routing) = attention.call(rand(2, 25, 24));
        Assert.Equal([2, 25, 24], output.shape);
        Assert.Equal([2, 25, 1], routing.shape);
        Assert.All(Networks.Read(routing), p => Assert.Equal(1, p));
    }

    [Fact]
    public void Non_adaptive_attention_uses_the_last_expert_only()
    {
        using var attention = new NonAdaptiveSparseAttention(Networks.Odd, TopK.Fast);
        using var scope = NewDisposeScope();
        Tensor x = rand(2, 25, 24);
        (Tensor output, Tensor routing) = attention.call(x);
        Assert.Equal([2, 25, 2], routing.shape);
        Assert.Equal(Enumerable.Range(0, 100).Select(i => (float)(i % 2)), Networks.Read(routing));
        using (no_grad())
        {
            foreach ((string name, TorchSharp.Modules.Parameter parameter) in attention.named_parameters().Where(p => p.name.StartsWith("experts.0.", StringComparison.Ordinal))) parameter.fill_(float.NaN);
        }

        Assert.Equal(Networks.Read(output), Networks.Read(attention.call(x).Output));
    }
}
