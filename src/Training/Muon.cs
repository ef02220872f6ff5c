using DenoiseService.Model;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DenoiseService.Training;

/// <summary>
/// Muon (Jordan et al. 2024, with the scale of Liu et al. 2025): the running mean of a weight matrix's gradient is made nearly orthogonal before the weights move along
/// it, so that all its directions move alike, not only the few that the gradient is large in. A convolution counts as the matrix (outputs, inputs · k · k). Biases,
/// norms, tables and the few layers that are narrower than <see cref="LeastSide"/> move by <see cref="Adam"/> at the same rate.
/// </summary>
internal sealed class Muon : IOptimiser
{
    private const float Momentum = 0.95f;
    private const int LeastSide = 16, Iterations = 5;

    // The moments of a unit that no gradient reaches any more fade into subnormal numbers, with which products take many times as long.
    private const float Negligible = 1e-10f;

    private readonly Parameter[] _matrices;
    private readonly float[][] _moments;
    private readonly Adam _others;
    private readonly float _weightDecay;

    /// <summary>Starts with empty moments.</summary>
    /// <param name="parameters">float32 on the CPU, contiguous.</param>
    /// <param name="weightDecay">Decoupled.</param>
    public Muon(IEnumerable<Parameter> parameters, double weightDecay)
    {
        ILookup<bool, Parameter> byKind = parameters.ToLookup(p => p.shape.Length > 1 && Math.Min(p.shape[0], p.numel() / p.shape[0]) >= LeastSide);
        _matrices = [.. byKind[true]];
        _moments = _matrices.Select(p => new float[p.numel()]).ToArray();
        _others = new Adam(byKind[false], weightDecay);
        _weightDecay = (float)weightDecay;
    }

    public IEnumerable<(string Name, float[][] Moments)> State => _others.State.Prepend(("muon.", _moments));

    public ReadOnlySpan<float> MeanGradient(Parameter parameter) => Adam.IndexOf(_matrices, parameter) is >= 0 and var index ? _moments[index] : _others.MeanGradient(parameter);

    public void ZeroGradients()
    {
        _others.ZeroGradients();
        Adam.ZeroGradients(_matrices);
    }

    public void Step(long step, double rate)
    {
        _others.Step(step, rate);
        int threads = get_num_threads();
        try
        {
            // The products are small: a thread for each matrix, not libtorch's own, which wait for each other actively.
            Parallel.For(0, _matrices.Length, new ParallelOptions { MaxDegreeOfParallelism = threads }, p =>
            {
                LibtorchThreads.Use(1);
                using var noGrad = no_grad();
                using var scope = NewDisposeScope();
                if (_matrices[p].grad is { } gradient) Move(_matrices[p], gradient, _moments[p], rate);
            });
        }
        finally
        {
            set_num_threads(threads);
        }
    }

    private void Move(Parameter matrix, Tensor gradient, float[] moments, double rate)
    {
        long rows = matrix.shape[0], columns = moments.Length / rows;
        Tensor step = empty(rows, columns);
        Span<float> g = Adam.Values(gradient), w = Adam.Values(matrix), slope = Adam.Values(step);
        float largest = 0;
        for (int i = 0; i < slope.Length; i++)
        {
            moments[i] = OrZero(Momentum * moments[i] + (1 - Momentum) * g[i], IdleUnits.Faded);
            slope[i] = Momentum * moments[i] + (1 - Momentum) * g[i]; // one step ahead (Nesterov)
            largest = Math.Max(largest, Math.Abs(slope[i]));
        }

        for (int i = 0; i < slope.Length; i++) slope[i] = OrZero(slope[i], Negligible * largest);

        ReadOnlySpan<float> d = Adam.Values(Orthogonal(step).contiguous());
        // An orthogonal matrix has entries of about 1/√(longer side): this makes steps about as large as Adam's.
        float length = (float)(rate * 0.2 * Math.Sqrt(Math.Max(rows, columns))), keep = (float)(1 - rate * _weightDecay);
        for (int i = 0; i < w.Length; i++) w[i] = keep * w[i] - length * d[i];
    }

    private static float OrZero(float value, float least) => Math.Abs(value) < least ? 0 : value;

    /// <summary>Newton and Schulz's iteration with Jordan's coefficients: singular values end between about 0.7 and 1.2.</summary>
    /// <remarks>X ← p(X·Xᵀ)·X, five times, is P·X with P the product of the five polynomials: what is iterated is as small as the shorter side.</remarks>
    internal static Tensor Orthogonal(Tensor matrix)
    {
        bool tall = matrix.shape[0] > matrix.shape[1];
        Tensor x = tall ? matrix.t() : matrix;
        x = x.Times(1 / (Math.Sqrt(x.Squared().sum().item<float>()) + 1e-20));
        Tensor square = mm(x, x.t()), one = eye(x.shape[0]).Times(3.4445), product = eye(x.shape[0]); // (shorter side, shorter side)
        for (int i = 0; i < Iterations; i++)
        {
            Tensor polynomial = one.Plus(square.Times(-4.7750)).Plus(mm(square, square).Times(2.0315));
            product = mm(polynomial, product);
            square = mm(mm(polynomial, square), polynomial);
        }

        x = mm(product, x);
        return tall ? x.t() : x;
    }
}
