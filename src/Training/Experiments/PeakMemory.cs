using System.Globalization;

namespace DenoiseService.Training.Experiments;

/// <summary>The largest resident memory of a process, as Linux counts it.</summary>
public static class PeakMemory
{
    /// <summary>Starts this process's peak anew from what it holds now.</summary>
    public static void Reset() => File.WriteAllText("/proc/self/clear_refs", "5");

    /// <summary>How much more memory this process holds at most while it does something than before, in MiB; NaN where the system does not say.</summary>
    public static double ExtraMiB(Action action)
    {
        if (!File.Exists("/proc/self/clear_refs"))
        {
            action();
            return double.NaN;
        }

        ProcessMemory.GiveBackFreed();
        Reset();
        long before = Of(Environment.ProcessId);
        action();
        return (Of(Environment.ProcessId) - before) / 1048576.0;
    }

    /// <summary>In bytes.</summary>
    public static long Of(int process)
    {
        string line = File.ReadLines($"/proc/{process}/status").First(l => l.StartsWith("VmHWM", StringComparison.Ordinal));
        return 1024 * long.Parse(line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }
}
