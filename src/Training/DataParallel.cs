using System.Runtime.ExceptionServices;
using DenoiseService.Model;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DenoiseService.Training;

/// <summary>
/// Loss and gradient of a batch. With several replicas each takes an equal part of the batch on a thread of its own, so that the activations stay
/// in that core's cache; the gradients are added in a fixed order.
/// </summary>
internal sealed class DataParallel : IDisposable
{
    private readonly SmallViT[] _replicas; // the first is the network that is trained
    private readonly Parameter[][] _parameters;
    private readonly int _threads = get_num_threads();

    public DataParallel(SmallViT network, int replicas)
    {
        _replicas = [network, .. Enumerable.Range(1, replicas - 1).Select(_ => new SmallViT(network.Config))];
        foreach (SmallViT replica in _replicas.Skip(1)) replica.load_state_dict(network.state_dict()); // also what is drawn once and never trained
        _parameters = _replicas.Select(r => r.parameters().ToArray()).ToArray();
    }

    /// <summary>Adds the gradient of the batch's mean loss to the network's parameters and returns that loss.</summary>
    /// <param name="noisy">(B, 3, side, side).</param>
    /// <param name="clean">Same shape.</param>
    /// <param name="lossOf">Mean loss of (output, clean, routing).</param>
    public double Backward(Tensor noisy, Tensor clean, Func<Tensor, Tensor, Tensor, Tensor> lossOf)
    {
        if (_replicas.Length == 1) return Part(0, noisy, clean, 1, lossOf);
        CopyWeights();
        long batch = noisy.shape[0];
        var losses = new double[_replicas.Length];
        try
        {
            Parallel.For(0, _replicas.Length, r =>
            {
                set_num_threads(1);
                long first = batch * r / _replicas.Length, count = batch * (r + 1) / _replicas.Length - first;
                using Tensor noisyPart = noisy.narrow(0, first, count), cleanPart = clean.narrow(0, first, count);
                losses[r] = Part(r, noisyPart, cleanPart, (double)count / batch, lossOf);
            });
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(e.InnerExceptions[0]); // the caller gets the same exception whatever the number of replicas
        }
        finally
        {
            set_num_threads(_threads);
        }

        AddGradients();
        return losses.Sum();
    }

    public void Dispose()
    {
        foreach (SmallViT replica in _replicas.Skip(1)) replica.Dispose();
    }

    private double Part(int replica, Tensor noisy, Tensor clean, double share, Func<Tensor, Tensor, Tensor, Tensor> lossOf)
    {
        using var scope = NewDisposeScope();
        (Tensor image, Tensor routing) = _replicas[replica].call(noisy);
        Tensor loss = lossOf(image, clean, routing) * share;
        loss.backward();
        return loss.item<float>();
    }

    private void CopyWeights()
    {
        using var noGrad = no_grad();
        for (int r = 1; r < _replicas.Length; r++)
        {
            for (int p = 0; p < _parameters[0].Length; p++) _parameters[r][p].copy_(_parameters[0][p]);
        }
    }

    private void AddGradients()
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        for (int r = 1; r < _replicas.Length; r++)
        {
            for (int p = 0; p < _parameters[0].Length; p++)
            {
                // Parameters of experts that no token uses (non-adaptive attention) have no gradient.
                if (_parameters[r][p].grad is not { } gradient) continue;
                _parameters[0][p].grad!.Increase(gradient);
                gradient.zero_();
            }
        }
    }
}
