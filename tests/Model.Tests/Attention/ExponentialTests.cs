using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using DenoiseService.Model.Attention;

namespace DenoiseService.Model.Tests.Attention;

[Trait("Uses", "Vectors")]
public sealed class ExponentialTests
{
    [Fact]
    public void Is_the_exponential_of_everything_that_counts_in_a_softmax()
    {
        for (float x = 0; x >= -14; x -= 1f / 512)
        {
            double exact = Math.Exp(x);
            Assert.InRange(Exponential.OfNegative(Vector512.Create(x))[7] / exact, 1 - 1e-6, 1 + 1e-6);
        }

        Assert.Equal(1, Exponential.OfNegative(Vector512<float>.Zero)[0]);
    }

    [Theory]
    [InlineData(-90)]
    [InlineData(-1e30f)]
    [InlineData(float.NegativeInfinity)]
    public void Is_zero_far_below(float x) => Assert.Equal(0, Exponential.OfNegative(Vector512.Create(x))[0]);

    [Fact]
    public void Not_a_number_stays_that() => Assert.True(float.IsNaN(Exponential.OfNegative(Vector512.Create(float.NaN))[3]));

    [Fact]
    public void The_run_without_512_bit_vectors_has_none()
    {
        if (Environment.GetEnvironmentVariable("DOTNET_EnableAVX512") == "0") Assert.False(Avx512F.IsSupported); // test.sh: the runtime would pass over a name that it does not know
    }
}
