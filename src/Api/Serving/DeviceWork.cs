using DenoiseService.Model;

namespace DenoiseService.Api.Serving;

/// <summary>How long a picture waited for the device and how long the device had it.</summary>
/// <param name="Queue">From being handed over to the first batch.</param>
/// <param name="Device">From the first batch to the end of the last, other pictures' tiles included.</param>
internal readonly record struct DeviceTimes(TimeSpan Queue, TimeSpan Device);

/// <summary>One picture on its way through the worker.</summary>
/// <param name="model">Which network; held until the worker lets go of the picture.</param>
/// <param name="picture">Its tiles.</param>
/// <param name="ticket">Its place; given back when the worker lets go of the picture.</param>
/// <param name="enqueued">Timestamp of the hand-over.</param>
/// <param name="cancellationToken">Set when the client has gone or the deadline has passed.</param>
internal sealed class DeviceWork(ServedModel model, TiledPicture picture, Admission.Ticket ticket, long enqueued, CancellationToken cancellationToken)
{
    // Continuations must not run on the device's thread.
    private readonly TaskCompletionSource<DeviceTimes> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ModelLease _lease = Lease(model);
    private long? _started;

    public ServedModel Model => _lease.Model;

    public TiledPicture Picture => picture;

    public bool Cancelled => cancellationToken.IsCancellationRequested;

    /// <summary>Ends when the picture is clean, its batch failed, or the worker dropped it.</summary>
    public Task<DeviceTimes> Completion => _completion.Task;

    /// <summary>Marks the first batch.</summary>
    public void Start(long now) => _started ??= now;

    public void Complete(long now, TimeProvider time)
    {
        LetGo();
        long started = _started ?? now;
        _completion.TrySetResult(new DeviceTimes(time.GetElapsedTime(enqueued, started), time.GetElapsedTime(started, now)));
    }

    public void Fail(Exception exception)
    {
        LetGo();
        _completion.TrySetException(exception);
    }

    public void Drop()
    {
        LetGo();
        _completion.TrySetCanceled(cancellationToken);
    }

    private static ModelLease Lease(ServedModel model)
    {
        model.Hold();
        return new ModelLease(model);
    }

    private void LetGo()
    {
        ticket.Dispose();
        _lease.Dispose();
    }
}
