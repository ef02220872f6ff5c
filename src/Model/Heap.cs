using System.Runtime.InteropServices;

namespace DenoiseService.Model;

/// <summary>The C library's heap, from which libtorch takes its tensors.</summary>
public static partial class Heap
{
    // Of mallopt: free memory at the heap's end that is kept, in bytes, and the size from which a block is a mapping of its own.
    private const int TrimThreshold = -1, MappingThreshold = -3, Kept = 256 << 20, Mapped = 32 << 20;

    private static readonly Lazy<bool> Once = new(() =>
    {
        if (!OperatingSystem.IsLinux()) return false;
        try
        {
            return SetOption(TrimThreshold, Kept) != 0 & SetOption(MappingThreshold, Mapped) != 0;
        }
        catch (EntryPointNotFoundException) // a C library without it
        {
            return false;
        }
        catch (DllNotFoundException)
        {
            return false;
        }
    });

    /// <summary>
    /// Lets each of the heap's arenas, of which every thread has one, keep up to 256 MB of freed memory for the next pass. Otherwise every pass gives its tensors' memory back to the system and fetches
    /// it again page by page, which took a fifth of the time of a pass and a tenth of a training step (docs/LOG.md).
    /// Does nothing where the C library has no such setting.
    /// </summary>
    public static void KeepFreed() => _ = Once.Value;

    [LibraryImport("libc", EntryPoint = "mallopt")]
    private static partial int SetOption(int option, int value);
}
