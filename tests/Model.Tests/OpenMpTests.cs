using System.Runtime.InteropServices;

namespace DenoiseService.Model.Tests;

public sealed partial class OpenMpTests : IDisposable
{
    private const string Policy = "OMP_WAIT_POLICY", Turns = "GOMP_SPINCOUNT";

    // .NET's own copies; what the process itself was started with does not change.
    private readonly string? _policy = Environment.GetEnvironmentVariable(Policy);

    public void Dispose()
    {
        Environment.SetEnvironmentVariable(Policy, _policy);
        if (OperatingSystem.IsLinux()) Remove(Turns);
    }

    [SkippableFact]
    public void Native_code_is_told_to_sleep_soon()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "GNU's OpenMP is used on Linux.");
        Remove(Turns);
        Environment.SetEnvironmentVariable(Policy, null);
        OpenMp.SleepSoon();
        Assert.Equal("1000", Native(Turns));
    }

    [SkippableFact]
    public void What_the_environment_says_stands()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "GNU's OpenMP is used on Linux.");
        Set(Turns, "5", overwrite: 1);
        Environment.SetEnvironmentVariable(Policy, null);
        OpenMp.SleepSoon();
        Assert.Equal("5", Native(Turns));

        Remove(Turns);
        Environment.SetEnvironmentVariable(Policy, "active");
        OpenMp.SleepSoon();
        Assert.Null(Native(Turns));
    }

    private static string? Native(string name) => Marshal.PtrToStringUTF8(Get(name));

    [LibraryImport("libc", EntryPoint = "getenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint Get(string name);

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Set(string name, string value, int overwrite);

    [LibraryImport("libc", EntryPoint = "unsetenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Remove(string name);
}
