using System.Collections.Concurrent;
using static TorchSharp.torch;

namespace DenoiseService.Model.Tests;

public class WorkersTests
{
    [Fact]
    public void Every_item_is_worked_on_once_by_one_of_the_same_few_threads()
    {
        using var workers = new Workers(3, "test");
        var threads = new ConcurrentDictionary<Thread, int>();
        foreach (int count in new[] { 0, 1, 2, 3, 100 })
        {
            int[] done = new int[count];
            workers.ForEach([.. Enumerable.Range(0, count)], i =>
            {
                Interlocked.Increment(ref done[i]);
                threads.AddOrUpdate(Thread.CurrentThread, 1, (_, n) => n + 1);
            });
            Assert.All(done, n => Assert.Equal(1, n));
        }

        Assert.InRange(threads.Count, 1, 3);
        Assert.Equal(106, threads.Values.Sum());
        Assert.DoesNotContain(Thread.CurrentThread, threads.Keys);
    }

    [Fact]
    public async Task As_many_items_as_threads_are_under_way_at_once()
    {
        using var workers = new Workers(3, "test");
        using var all = new Barrier(3);
        await Task.Run(() => workers.ForEach([1, 2, 3, 4, 5, 6], _ => all.SignalAndWait())).WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public void Each_has_one_of_libtorchs_threads_whatever_the_caller_has()
    {
        int before = get_num_threads();
        try
        {
            set_num_threads(3);
            using var workers = new Workers(2, "test");
            Assert.Equal(3, get_num_threads());
            foreach (int ofCaller in new[] { 3, 2, 4 })
            {
                set_num_threads(ofCaller);
                var seen = new ConcurrentBag<int>();
                using var both = new Barrier(2);
                workers.ForEach([1, 2], _ =>
                {
                    both.SignalAndWait();
                    using Tensor large = rand(1 << 20); // libtorch may look at its own settings then
                    seen.Add(get_num_threads());
                });
                Assert.Equal([1, 1], seen);
                Assert.Equal(ofCaller, get_num_threads());
            }
        }
        finally
        {
            set_num_threads(before);
        }
    }

    [Fact]
    public void Each_has_as_many_of_libtorchs_threads_as_asked_and_the_caller_keeps_its_own()
    {
        int before = get_num_threads(), seen = 0;
        using var workers = new Workers(1, "test", 3);
        workers.ForEach([1], _ =>
        {
            using Tensor large = rand(1 << 20);
            seen = get_num_threads();
        });
        Assert.Equal((3, before), (seen, get_num_threads()));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Workers(1, "test", 0));
    }

    [Fact]
    public void A_failure_reaches_the_caller_as_it_was_and_ends_the_rest()
    {
        using var workers = new Workers(2, "test");
        int begun = 0;
        var failure = Assert.Throws<InvalidDataException>(() => workers.ForEach([.. Enumerable.Range(0, 10_000)], i =>
        {
            Interlocked.Increment(ref begun);
            if (i == 7) throw new InvalidDataException("the seventh");
            Thread.Sleep(1);
        }));
        Assert.Equal("the seventh", failure.Message);
        Assert.InRange(begun, 8, 9_999);
        int after = 0;
        workers.ForEach([1, 2, 3], _ => Interlocked.Increment(ref after));
        Assert.Equal(3, after);
    }

    [Fact]
    public void Disposal_ends_the_threads()
    {
        var threads = new ConcurrentBag<Thread>();
        Workers ended;
        using (var workers = ended = new Workers(2, "test"))
        {
            using var both = new Barrier(2);
            workers.ForEach([1, 2], _ =>
            {
                both.SignalAndWait();
                threads.Add(Thread.CurrentThread);
            });
        }

        Assert.All(threads, t => Assert.False(t.IsAlive));
        ended.Dispose();
        Assert.ThrowsAny<InvalidOperationException>(() => ended.ForEach([1], _ => { }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Workers(0, "test"));
    }
}
