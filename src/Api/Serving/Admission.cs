using DenoiseService.Api.Errors;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Serving;

/// <summary>
/// The bound in front of the queue: by count and by bytes before a body is read, by count and by cost from what the picture's header says, before anything is decoded; decided at once. A
/// request counts from its first byte until its answer has been sent, so that no more than the limit can wait for anything (a model to be loaded, a client that reads slowly); what is admitted counts,
/// apart from that, until its ticket is disposed. Thread-safe.
/// </summary>
internal sealed class Admission(IOptions<InferenceOptions> options, Throughput throughput)
{
    private readonly InferenceOptions _options = options.Value;
    private readonly Lock _lock = new();
    private long _patches, _bytes;
    private int _received, _requests;
    private bool _closed;

    /// <summary>Requests admitted whose pictures the device has not finished.</summary>
    public int PendingRequests => Volatile.Read(ref _requests);

    /// <summary>Their cost.</summary>
    public long PendingPatches => Volatile.Read(ref _patches);

    /// <summary>Requests received whose answers have not been sent.</summary>
    public int OpenRequests => Volatile.Read(ref _received);

    /// <summary>What their bodies, and the answers that are there, take.</summary>
    public long OpenBytes => Volatile.Read(ref _bytes);

    /// <summary>Takes room for a request and its body, before that is read. Refuses also where no picture at all could be admitted now.</summary>
    /// <param name="bytes">At most so long.</param>
    /// <returns>The room, which is given back when it is disposed.</returns>
    /// <exception cref="ApiException">As <see cref="AdmitTogether"/>.</exception>
    public Room Receive(long bytes)
    {
        lock (_lock)
        {
            // Whoever was received may be admitted as well, and is one request; one whose client has gone may still be on the device.
            Check(Math.Max(_received, _requests));
            if (_bytes > 0 && _bytes + bytes > _options.MaxQueuedBytes) throw Full("bytes", _options.MaxQueuedBytes, _bytes + bytes);
            _received++;
            _bytes += bytes;
        }

        return new Room(this, bytes);
    }

    /// <summary>Takes a place in the queue for a request that passes the device once.</summary>
    /// <param name="patches">The picture's cost.</param>
    /// <exception cref="ApiException">As <see cref="AdmitTogether"/>.</exception>
    public Ticket Admit(long patches) => AdmitTogether([patches])[0];

    /// <summary>Takes one place in the queue.</summary>
    /// <param name="passes">What each of the request's passes over the device costs.</param>
    /// <returns>A ticket for each pass; the place is free again when all are disposed of.</returns>
    /// <exception cref="ApiException">429 if the queue is full, with the time after which it may not be; 503 once it is closed.</exception>
    public IReadOnlyList<Ticket> AdmitTogether(IReadOnlyList<long> passes)
    {
        long patches = passes.Sum();
        lock (_lock)
        {
            Check(_requests);
            // A picture above the bound may still come when it would be alone, or it never could.
            if (_requests > 0 && _patches + patches > _options.MaxQueuedPatches) throw Full("patches", _options.MaxQueuedPatches, _patches + patches);
            _requests++;
            _patches += patches;
        }

        int open = passes.Count;
        return [.. passes.Select(p => new Ticket(() => Release(p, Interlocked.Decrement(ref open) == 0)))];
    }

    /// <summary>Refuses everything from now on; what was admitted goes on.</summary>
    public void Close()
    {
        lock (_lock) _closed = true;
    }

    private void Check(int requests)
    {
        if (_closed) throw new ApiException(ProblemKind.Draining, "The service takes no more requests; it is shutting down.");
        if (requests >= _options.MaxQueuedRequests) throw Full("requests", _options.MaxQueuedRequests, requests + 1L);
    }

    private ApiException Full(string unit, long limit, long actual)
    {
        TimeSpan wait = throughput.TimeFor(_patches);
        return new ApiException(ProblemKind.QueueFull, $"The queue would hold {actual} {unit}; its limit is {limit}. Try again in {wait.TotalSeconds:0} s.")
        {
            Parameter = unit,
            Limit = limit,
            Actual = actual,
            RetryAfter = wait,
        };
    }

    private void Release(long patches, bool whole)
    {
        lock (_lock)
        {
            if (whole) _requests--;
            _patches -= patches;
        }
    }

    /// <summary>The place of a request until its answer has been sent, and what its body and its answer take of the memory of all. Disposing it, once or often, gives both back.</summary>
    internal sealed class Room(Admission admission, long bytes) : IDisposable
    {
        private long _bytes = bytes;
        private bool _left;

        /// <summary>Gives back what was taken beyond the body's true length.</summary>
        public void Keep(long bytes)
        {
            lock (admission._lock)
            {
                admission._bytes -= _bytes - bytes;
                _bytes = bytes;
            }
        }

        /// <summary>Passes the place on to the answer, which stays in memory until it has been sent; this room has nothing to give back any more.</summary>
        /// <param name="bytes">Of the answer, beside those of the body.</param>
        /// <returns>The answer's room.</returns>
        public Room PassOn(long bytes)
        {
            lock (admission._lock)
            {
                _left = true;
                admission._bytes += bytes;
                return new Room(admission, _bytes + bytes);
            }
        }

        /// <inheritdoc/>
        public void Dispose()
        {
            lock (admission._lock)
            {
                if (_left) return;
                _left = true;
                admission._received--;
                admission._bytes -= _bytes;
            }
        }
    }

    /// <summary>The place of one pass of an admitted request. Disposing it, once or often, gives it back.</summary>
    internal sealed class Ticket(Action release) : IDisposable
    {
        private int _released;

        /// <inheritdoc/>
        public void Dispose()
        {
            if (Interlocked.Exchange(ref _released, 1) == 0) release();
        }
    }
}
