using System.Runtime.InteropServices;

namespace DenoiseService.Model;

/// <summary>GNU's OpenMP, whose threads libtorch computes with.</summary>
public static partial class OpenMp
{
    // About 0.1 ms on the processors with the slowest pause.
    private const string Turns = "1000";

    /// <summary>
    /// Lets a thread that waits for work look for it only a thousand times before it sleeps. As OpenMP comes it looks 300,000 times, which on newer Intel
    /// processors keeps a core busy for 20 ms after every small piece of work (docs/LOG.md). What the environment says stands.
    /// To be called before libtorch is loaded; does nothing where the C library is another.
    /// </summary>
    public static void SleepSoon()
    {
        if (!OperatingSystem.IsLinux() || Environment.GetEnvironmentVariable("OMP_WAIT_POLICY") is not null) return;
        try
        {
            _ = SetVariable("GOMP_SPINCOUNT", Turns, overwrite: 0); // .NET's own variables do not reach native code
        }
        catch (EntryPointNotFoundException)
        {
        }
        catch (DllNotFoundException)
        {
        }
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetVariable(string name, string value, int overwrite);
}
