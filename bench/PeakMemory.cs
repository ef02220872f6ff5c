using System.Globalization;

namespace DenoiseService.Bench;

/// <summary>The largest resident memory of a process, as Linux counts it.</summary>
internal static class PeakMemory
{
    /// <summary>Starts this process's peak anew from what it holds now.</summary>
    public static void Reset() => File.WriteAllText("/proc/self/clear_refs", "5");

    /// <summary>In bytes.</summary>
    public static long Of(int process)
    {
        string line = File.ReadLines($"/proc/{process}/status").First(l => l.StartsWith("VmHWM", StringComparison.Ordinal));
        return 1024 * long.Parse(line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }
}
