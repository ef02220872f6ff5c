using System.Globalization;
using System.Runtime.InteropServices;

namespace DenoiseService.Training.Experiments;

/// <summary>What memory there is, and giving back what is not used.</summary>
internal static class ProcessMemory
{
    /// <summary>Bytes that this process may still take: what the system calls available, or the container's limit.</summary>
    public static long Available()
    {
        const string facts = "/proc/meminfo";
        long limit = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        string? line = File.Exists(facts) ? File.ReadLines(facts).FirstOrDefault(l => l.StartsWith("MemAvailable:", StringComparison.Ordinal)) : null;
        return line is null ? limit : Math.Min(limit, 1024 * long.Parse(line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture));
    }

    /// <summary>Lets the C library give freed memory back to the system, so that the next measurement does not start with a store of it. Does nothing where there is no such call.</summary>
    public static void GiveBackFreed()
    {
        if (!OperatingSystem.IsLinux() || !NativeLibrary.TryLoad("libc.so.6", out nint library)) return;
        if (NativeLibrary.TryGetExport(library, "malloc_trim", out nint address)) Marshal.GetDelegateForFunctionPointer<Trim>(address)(0);
    }

    private delegate int Trim(nuint pad);
}
