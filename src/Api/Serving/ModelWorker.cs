using System.Threading.Channels;
using DenoiseService.Api.Errors;
using DenoiseService.Model;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Serving;

/// <summary>
/// The one thread that runs the networks that answer, and swaps them. Everything reaches it as an action in its inbox, carried out
/// between two batches; the inbox is bounded by <see cref="Admission"/>, which every picture has passed. A batch takes what is there when
/// the device is free: nothing waits for company.
/// </summary>
internal sealed partial class ModelWorker : IHostedService
{
    private readonly Channel<Action> _inbox = Channel.CreateUnbounded<Action>(new UnboundedChannelOptions { SingleReader = true });
    private readonly ActivePictures _active;
    private readonly Throughput _throughput;
    private readonly TimeProvider _time;
    private readonly ILogger<ModelWorker> _logger;
    private readonly Thread _thread;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _abandon;
    private volatile bool _lastForwardFailed;

    public ModelWorker(IOptions<InferenceOptions> options, Throughput throughput, TimeProvider time, ILogger<ModelWorker> logger)
    {
        _active = new ActivePictures(options.Value.MaxBatchPatches);
        (_throughput, _time, _logger) = (throughput, time, logger);
        _thread = new Thread(Run) { Name = "model owner", IsBackground = true };
        int threads = options.Value.Threads;
        _inbox.Writer.TryWrite(() => LibtorchThreads.Use(threads));
    }

    /// <summary>What the worker has done so far.</summary>
    public WorkerCounters Counters { get; } = new();

    /// <summary>True from a batch that failed, if a plain picture failed after it too, until one that did not.</summary>
    public bool LastForwardFailed => _lastForwardFailed;

    /// <summary>Hands a picture over; the task ends with its way through the device.</summary>
    public Task<DeviceTimes> RunAsync(DeviceWork work)
    {
        if (!_inbox.Writer.TryWrite(() => _active.Add(work))) work.Fail(Stopped());
        Counters.CountHandedOver();
        return work.Completion;
    }

    /// <summary>Runs something on the thread that owns the networks, between two batches: swapping.</summary>
    public Task<T> InvokeAsync<T>(Func<T> action)
    {
        var result = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        bool accepted = _inbox.Writer.TryWrite(() =>
        {
            try
            {
                result.SetResult(action());
            }
            catch (Exception e)
            {
                result.SetException(e);
            }
        });
        if (!accepted) result.SetException(Stopped());
        return result.Task;
    }

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        _thread.Start();
        return Task.CompletedTask;
    }

    /// <summary>Finishes what was handed over, or fails it once the host's patience ends.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _inbox.Writer.TryComplete();
        if (_thread.ThreadState.HasFlag(ThreadState.Unstarted)) return;
        using CancellationTokenRegistration impatience = cancellationToken.Register(() => _abandon = true);
        await _ended.Task;
    }

    private void Run()
    {
        while (WaitForWork())
        {
            while (_inbox.Reader.TryRead(out Action? action)) action();
            foreach (DeviceWork work in _abandon ? _active.TakeAll() : [])
            {
                work.Fail(Stopped());
            }

            foreach (DeviceWork work in _active.TakeCancelled())
            {
                Counters.CountDropped();
                work.Drop();
            }

            if (!_active.IsEmpty) RunBatch(_active.Next());
        }

        _ended.SetResult();
    }

    /// <summary>False when nothing is left and nothing can come.</summary>
    private bool WaitForWork() => !_active.IsEmpty || _inbox.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult();

    private void RunBatch(Batch batch)
    {
        long started = _time.GetTimestamp();
        foreach (Share share in batch.Shares) share.Work.Start(started);
        Counters.CountBatch(batch);
        try
        {
            batch.Model.Denoiser.Step(batch.Shares.Select(s => new BatchPart(s.Work.Picture, s.Tiles)).ToArray());
        }
        catch (Exception e)
        {
            // Only the pictures of this batch are lost: the others, and the thread, go on.
            _lastForwardFailed = !batch.Model.StillWorks();
            LogBatchFailed(e, batch.Model.Version, batch.Shares.Count, batch.Tiles);
            foreach (Share share in batch.Shares)
            {
                _active.Remove(share.Work);
                Counters.CountFailed();
                share.Work.Fail(new ApiException(ProblemKind.InferenceFailed, "The model gave no usable result for the batch that this picture was in."));
            }

            return;
        }

        _lastForwardFailed = false;
        long ended = _time.GetTimestamp();
        _throughput.Record(batch.Patches, _time.GetElapsedTime(started, ended));
        foreach (DeviceWork work in batch.Shares.Select(s => s.Work).Where(w => w.Picture.Finished))
        {
            _active.Remove(work);
            Counters.CountCompleted();
            work.Complete(ended, _time);
        }
    }

    private static ApiException Stopped() => new(ProblemKind.Draining, "The service has stopped.");

    [LoggerMessage(LogLevel.Error, "A batch of {Tiles} tiles from {Pictures} pictures failed on model {Model}")]
    private partial void LogBatchFailed(Exception exception, string model, int pictures, int tiles);
}
