using System.Globalization;
using System.Runtime.InteropServices;

namespace DenoiseService.Training.Experiments;

/// <summary>The largest resident memory of a process, as Linux counts it.</summary>
public static class PeakMemory
{
    /// <summary>Gives what the C library keeps for later back to the system, so that it is not taken for free memory of the next measurement.</summary>
    [DllImport("libc", EntryPoint = "malloc_trim")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static extern int Trim(nuint pad);

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

        _ = Trim(0);
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
