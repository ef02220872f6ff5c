using DenoiseService.Model;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DenoiseService.Training;

/// <summary>
/// Loss and gradient of a batch. With several replicas each takes an equal part of the batch on a thread of its own, so that the activations stay
/// in that core's cache; the gradients are added in a fixed order. In bfloat16 every replica is a copy in
/// those numbers; the weights that are moved, and the sums of gradients, stay float32.
/// </summary>
internal sealed class DataParallel : IDisposable
{
    private readonly SmallViT[] _replicas; // in float32 the first is the network that is trained
    private readonly Parameter[] _trained;
    private readonly (SmallViT Network, Parameter[] Parameters)[] _copies;
    private readonly int _threads = get_num_threads();
    private readonly bool _oneThreadEach;
    private readonly Workers? _workers;

    public DataParallel(SmallViT network, int replicas, Precision precision = Precision.Float32)
    {
        bool ownNumbers = precision == Precision.BFloat16;
        // Several replicas have a thread each; and in bfloat16 libtorch's own threads do not give the same gradient twice on every processor.
        _oneThreadEach = replicas > 1 || ownNumbers;
        _trained = [.. network.parameters()];
        _copies = [.. Enumerable.Range(0, ownNumbers ? replicas : replicas - 1).Select(_ => Copy())];
        _replicas = [.. ownNumbers ? [] : new[] { network }, .. _copies.Select(c => c.Network)];
        if (replicas > 1) _workers = new Workers(replicas, "replica");

        (SmallViT Network, Parameter[] Parameters) Copy()
        {
            var copy = new SmallViT(network.Config);
            copy.load_state_dict(network.state_dict()); // also what is drawn once and never trained
            copy.RoundTo(precision);
            return (copy, [.. copy.parameters()]);
        }
    }

    /// <summary>Adds the gradient of the batch's mean loss to the network's parameters and returns that loss.</summary>
    /// <param name="noisy">(B, 3, side, side), or 4 planes for a network that is told the noise level.</param>
    /// <param name="clean">(B, 3, side, side).</param>
    /// <param name="sigma">(B): how noisy they are.</param>
    /// <param name="lossOf">Mean loss of (output, clean, sigma, routing); a network that estimates σ has the loss of that as well.</param>
    public double Backward(Tensor noisy, Tensor clean, Tensor sigma, Func<Tensor, Tensor, Tensor, Tensor, Tensor> lossOf)
    {
        try
        {
            if (_oneThreadEach) set_num_threads(1); // also for what is as small as weights: waking libtorch's other threads takes longer than doing without
            CopyWeights();
            double loss = _workers is null ? Part(0, noisy, clean, sigma, 1, lossOf) : Parts(_workers, noisy, clean, sigma, lossOf);
            AddGradients();
            return loss;
        }
        finally
        {
            set_num_threads(_threads);
        }
    }

    public void Dispose()
    {
        _workers?.Dispose();
        foreach ((SmallViT network, _) in _copies) network.Dispose();
    }

    private double Parts(Workers workers, Tensor noisy, Tensor clean, Tensor sigma, Func<Tensor, Tensor, Tensor, Tensor, Tensor> lossOf)
    {
        long batch = noisy.shape[0];
        var losses = new double[_replicas.Length];
        workers.ForEach([.. Enumerable.Range(0, _replicas.Length)], r =>
        {
            long first = batch * r / _replicas.Length, count = batch * (r + 1) / _replicas.Length - first;
            using Tensor noisyPart = noisy.narrow(0, first, count), cleanPart = clean.narrow(0, first, count), sigmaPart = sigma.narrow(0, first, count);
            losses[r] = Part(r, noisyPart, cleanPart, sigmaPart, (double)count / batch, lossOf);
        });
        return losses.Sum();
    }

    private double Part(int replica, Tensor noisy, Tensor clean, Tensor sigma, double share, Func<Tensor, Tensor, Tensor, Tensor, Tensor> lossOf)
    {
        using var scope = NewDisposeScope();
        (Tensor image, Tensor routing) = _replicas[replica].call(noisy);
        Tensor loss = lossOf(image, clean, sigma, routing);
        if (_replicas[replica].NoiseLoss(noisy, sigma) is { } estimates) loss = loss.Plus(estimates);
        loss = loss.Times(share);
        loss.backward();
        return loss.item<float>();
    }

    private void CopyWeights()
    {
        using var noGrad = no_grad();
        foreach ((_, Parameter[] parameters) in _copies)
        {
            for (int p = 0; p < parameters.Length; p++) parameters[p].copy_(_trained[p]);
        }
    }

    private void AddGradients()
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        foreach ((_, Parameter[] parameters) in _copies)
        {
            for (int p = 0; p < parameters.Length; p++)
            {
                // Parameters of experts that no token uses (non-adaptive attention) have no gradient.
                if (parameters[p].grad is not { } gradient) continue;
                if (_trained[p].grad is { } sum) sum.Increase(gradient);
                else _trained[p].grad = gradient.to(ScalarType.Float32, copy: true);
                gradient.zero_();
            }
        }
    }
}
