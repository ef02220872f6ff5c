using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using static TorchSharp.torch;

namespace DenoiseService.Model;

/// <summary>
/// A few threads of their owner for passes side by side, each with libtorch's threads as asked. The C library keeps a heap for every thread (<see cref="Heap"/>): always the same few threads
/// find their memory again, where .NET's pool spreads the passes over ever more threads, which all fetch memory of their own (docs/LOG.md). Not thread-safe: one caller at a time.
/// </summary>
public sealed class Workers : IDisposable
{
    private readonly BlockingCollection<Action> _waiting = [];
    private readonly Thread[] _threads;
    private bool _disposed;

    /// <summary>Starts the threads.</summary>
    /// <param name="count">≥ 1.</param>
    /// <param name="name">Of the threads, with a number after it.</param>
    /// <param name="threadsEach">libtorch's threads that each computes with, ≥ 1.</param>
    public Workers(int count, string name, int threadsEach = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(threadsEach, 1);
        int before = get_num_threads();
        using var ready = new CountdownEvent(count);
        _threads = [.. Enumerable.Range(0, count).Select(w => new Thread(() => Run(ready, threadsEach)) { Name = $"{name} {w}", IsBackground = true })];
        foreach (Thread thread in _threads) thread.Start();
        ready.Wait();
        set_num_threads(before); // the last call anywhere is also the default of every thread that starts later
    }

    /// <summary>Does the work for every item, in order, each on whichever thread is free, and returns when all is done. After a failure no further item is begun.</summary>
    /// <exception cref="Exception">The first that the work threw, as it was.</exception>
    public void ForEach<T>(IReadOnlyList<T> items, Action<T> work)
    {
        int taken = 0, shares = Math.Min(items.Count, _threads.Length);
        ExceptionDispatchInfo? failure = null;
        using var done = new CountdownEvent(shares);
        for (int s = 0; s < shares; s++) _waiting.Add(Share);
        done.Wait();
        failure?.Throw();

        void Share()
        {
            try
            {
                for (int i; failure is null && (i = Interlocked.Increment(ref taken) - 1) < items.Count;) work(items[i]);
            }
            catch (Exception e)
            {
                Interlocked.CompareExchange(ref failure, ExceptionDispatchInfo.Capture(e), null);
            }
            finally
            {
                done.Signal();
            }
        }
    }

    /// <summary>Ends the threads; nothing may be under way.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _waiting.CompleteAdding();
        foreach (Thread thread in _threads) thread.Join();
        _waiting.Dispose();
    }

    private void Run(CountdownEvent ready, int threadsEach)
    {
        LibtorchThreads.Use(threadsEach);
        ready.Signal();
        foreach (Action share in _waiting.GetConsumingEnumerable()) share();
    }
}
