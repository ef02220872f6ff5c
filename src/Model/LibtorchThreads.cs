using static TorchSharp.torch;

namespace DenoiseService.Model;

/// <summary>libtorch's own threads, whose number every thread that calls it has for itself.</summary>
public static class LibtorchThreads
{
    /// <summary>
    /// From now on the calling thread computes with so many. A thread's first question to libtorch gives it the number that was set last anywhere in the process, and would undo what was
    /// set on it before that: so this asks first. What is so already is not set again, for every setting is also the default of the threads that start later.
    /// </summary>
    /// <param name="count">≥ 1.</param>
    public static void Use(int count)
    {
        if (get_num_threads() != count) set_num_threads(count);
    }
}
