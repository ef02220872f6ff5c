using static TorchSharp.torch;

namespace DenoiseService.Model.Tests;

public sealed class LibtorchThreadsTests
{
    [Fact]
    public void A_thread_keeps_its_number_whatever_another_sets_before_its_first_operation()
    {
        int before = get_num_threads(), seen = 0;
        using var taken = new ManualResetEventSlim();
        using var changed = new ManualResetEventSlim();
        var thread = new Thread(() =>
        {
            LibtorchThreads.Use(1);
            taken.Set();
            changed.Wait();
            using Tensor large = rand(1 << 20);
            seen = get_num_threads();
        });
        try
        {
            set_num_threads(3);
            thread.Start();
            taken.Wait();
            set_num_threads(2);
            changed.Set();
            thread.Join();
            Assert.Equal((1, 2), (seen, get_num_threads()));
        }
        finally
        {
            set_num_threads(before);
        }
    }

    [Fact]
    public void What_is_so_already_does_not_become_the_default_of_later_threads()
    {
        int before = get_num_threads(), later = 0;
        try
        {
            set_num_threads(3);
            OnItsOwnThread(() => set_num_threads(2));
            LibtorchThreads.Use(3);
            OnItsOwnThread(() => later = get_num_threads());
            Assert.Equal((3, 2), (get_num_threads(), later));
        }
        finally
        {
            set_num_threads(before);
        }

        static void OnItsOwnThread(Action action)
        {
            var thread = new Thread(() => action());
            thread.Start();
            thread.Join();
        }
    }
}
