using System.Diagnostics;
using System.Runtime.InteropServices;
using DenoiseService.Build;

namespace DenoiseService.Model.Tests;

public sealed class WeakenLibstdcxxTests : IDisposable
{
    private const ushort Weak = 0x2;
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static string[] Libraries => Directory.GetFiles(AppContext.BaseDirectory, "libLibTorchSharp.so", SearchOption.AllDirectories);

    [SkippableFact]
    public void The_library_in_the_output_loads_here()
    {
        Skip.IfNot(OperatingSystem.IsLinux());
        Assert.NotEmpty(Libraries);
        foreach (string library in Libraries)
        {
            List<ushort> flags = VersionNeeds.Flags(File.ReadAllBytes(library), VersionNeeds.Version);
            Assert.True(VersionNeeds.SystemOffers(VersionNeeds.Version) || flags.All(f => (f & Weak) != 0));
        }

        using TorchSharp.torch.Tensor three = TorchSharp.torch.tensor(3f);
        Assert.Equal(3, three.item<float>());
    }

    [SkippableFact]
    public void The_library_in_the_package_cache_is_never_touched()
    {
        Skip.IfNot(OperatingSystem.IsLinux());
        string cached = Cached();
        Skip.IfNot(File.Exists(cached), $"no package cache at {cached}");
        List<ushort> flags = VersionNeeds.Flags(File.ReadAllBytes(cached), VersionNeeds.Version);
        Assert.NotEmpty(flags);
        Assert.All(flags, f => Assert.Equal(0, f & Weak));
    }

    [SkippableFact]
    public void Weakening_sets_the_bit_and_nothing_else_and_does_it_once()
    {
        Skip.IfNot(OperatingSystem.IsLinux());
        Skip.IfNot(File.Exists(Cached()), $"no package cache at {Cached()}");
        byte[] original = File.ReadAllBytes(Cached()), weakened = [.. original];
        int entries = VersionNeeds.Weaken(weakened, VersionNeeds.Version);
        Assert.Equal(VersionNeeds.Flags(original, VersionNeeds.Version).Count, entries);
        Assert.Equal(entries, original.Zip(weakened).Count(b => b.First != b.Second));
        Assert.All(VersionNeeds.Flags(weakened, VersionNeeds.Version), f => Assert.Equal(Weak, f & Weak));
        byte[] again = [.. weakened];
        Assert.Equal(0, VersionNeeds.Weaken(again, VersionNeeds.Version));
        Assert.Equal(weakened, again);
        Assert.Equal(0, VersionNeeds.Weaken([.. original], "GLIBCXX_9.9.99"));
        Assert.Empty(VersionNeeds.Flags(original, "GLIBCXX_3.4.3")); // not a prefix
    }

    [SkippableFact]
    public void A_file_that_shares_its_bytes_with_the_cache_by_a_link_leaves_the_cache_alone()
    {
        Skip.IfNot(OperatingSystem.IsLinux());
        Skip.IfNot(File.Exists(Cached()), $"no package cache at {Cached()}");
        File.Copy(Cached(), _folder["original.so"]);
        byte[] original = File.ReadAllBytes(_folder["original.so"]);
        Process.Start("ln", [_folder["original.so"], _folder["hard.so"]]).WaitForExit();
        File.CreateSymbolicLink(_folder["soft.so"], _folder["original.so"]);
        foreach (string link in new[] { "hard.so", "soft.so" })
        {
            DateTime written = File.GetLastWriteTimeUtc(_folder[link]);
            Assert.True(VersionNeeds.WeakenFile(_folder[link], VersionNeeds.Version));
            Assert.Equal(original, File.ReadAllBytes(_folder["original.so"]));
            Assert.All(VersionNeeds.Flags(File.ReadAllBytes(_folder[link]), VersionNeeds.Version), f => Assert.Equal(Weak, f & Weak));
            Assert.Equal(written, File.GetLastWriteTimeUtc(_folder[link]));
            Assert.False(VersionNeeds.WeakenFile(_folder[link], VersionNeeds.Version));
        }

        Assert.Equal(3, Directory.GetFileSystemEntries(_folder.Path).Length);
        // The copy stands alone: the libraries that it needs must be in the process already, whichever test comes first.
        using (TorchSharp.torch.zeros(1)) Assert.True(TorchSharp.torch.get_num_threads() > 0);
        nint handle = NativeLibrary.Load(_folder["hard.so"]); // what the fix is for
        NativeLibrary.Free(handle);
    }

    [Theory]
    [InlineData("")]
    [InlineData("MZ")]
    [InlineData("\u007fELF")]
    public void What_is_not_a_64_bit_little_endian_ELF_is_left_alone(string start)
    {
        foreach (int length in new[] { 0, 1, 63, 64, 1000 })
        {
            byte[] bytes = new byte[length];
            for (int i = 0; i < Math.Min(start.Length, length); i++) bytes[i] = (byte)start[i];
            byte[] before = [.. bytes];
            Assert.Equal(0, VersionNeeds.Weaken(bytes, VersionNeeds.Version));
            Assert.Equal(before, bytes);
        }
    }

    [SkippableFact]
    public async Task A_damaged_ELF_ends_with_an_exception_at_worst()
    {
        Skip.IfNot(OperatingSystem.IsLinux());
        Skip.If(Libraries.Length == 0);
        byte[] whole = File.ReadAllBytes(Libraries[0]);
        var random = new Random(1);
        await Task.Run(() =>
        {
            foreach (int length in new[] { 64, 65, 1000, whole.Length / 2, whole.Length - 1 }) Try(whole[..length]);
            long sections = BitConverter.ToInt64(whole, 0x28);
            for (int i = 0; i < 80; i++)
            {
                byte[] damaged = [.. whole];
                for (int n = random.Next(1, 20); n > 0; n--)
                {
                    long at = random.Next(2) == 0 ? random.Next(16, 64) : sections + random.NextInt64(whole.Length - sections);
                    damaged[at] = (byte)random.Next(256);
                }

                Try(damaged);
            }
        }).WaitAsync(TimeSpan.FromSeconds(30));

        static void Try(byte[] elf)
        {
            Exception? e = Record.Exception(() => VersionNeeds.Weaken(elf, VersionNeeds.Version));
            Assert.True(e is null or ArgumentException or IndexOutOfRangeException or InvalidDataException, e?.ToString());
        }
    }

    private static string Cached()
    {
        string root = Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        string folder = Path.Combine(root, "torchsharp");
        string version = Directory.Exists(folder) ? typeof(TorchSharp.torch).Assembly.GetName().Version!.ToString(3) : "none";
        return Path.Combine(folder, version, "runtimes", "linux-x64", "native", "libLibTorchSharp.so");
    }
}
