using TorchSharp;
using static TorchSharp.torch;

namespace DenoiseService.Model;

/// <summary>
/// Arithmetic whose numbers are alive while libtorch reads them. The library passes a number on as a bare pointer; where it makes one itself (the factor 1 in every sum of two tensors, the number of tensor · number)
/// nothing holds it: a collection at that moment frees it, and the operation throws "Expected false to be true" (docs/LOG.md). The compiler refuses those forms (BannedSymbols.txt).
/// </summary>
public static class LivingNumbers
{
    private static readonly Scalar Zero = 0, One = 1, Two = 2;

    /// <summary>x + y.</summary>
    public static Tensor Plus(this Tensor x, Tensor y) => x.add(y, One);

    /// <summary>x + number.</summary>
    public static Tensor Plus(this Tensor x, double number)
    {
        using Scalar living = number;
        return x.add(living, One);
    }

    /// <summary>x += y.</summary>
    public static Tensor Increase(this Tensor x, Tensor y) => x.add_(y, One);

    /// <summary>x + y, which takes x's place where no gradient is asked for: nobody else may need x then.</summary>
    public static Tensor PlusInPlace(this Tensor x, Tensor y) => is_grad_enabled() ? x.Plus(y) : x.Increase(y);

#pragma warning disable RS0030 // with numbers that live
    /// <summary>x · number.</summary>
    public static Tensor Times(this Tensor x, double number)
    {
        using Scalar living = number;
        return x.mul(living);
    }

    /// <summary>x ·= number.</summary>
    public static Tensor Scale(this Tensor x, double number)
    {
        using Scalar living = number;
        return x.mul_(living);
    }

    /// <summary>x².</summary>
    public static Tensor Squared(this Tensor x) => x.pow(Two);

    /// <summary>Limited to [0, 1].</summary>
    public static Tensor ClampToUnit(this Tensor x) => x.clamp(Zero, One);

    /// <summary>Limits x itself to [0, 1].</summary>
    public static Tensor ClampToUnitInPlace(this Tensor x) => x.clamp_(Zero, One);
#pragma warning restore RS0030
}
