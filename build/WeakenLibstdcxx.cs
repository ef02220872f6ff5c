// Compiled twice: by MSBuild as an inline task (build/WeakenLibstdcxx.targets) and by tests/Model.Tests, which defines WEAKEN_TESTS.
using System;
using System.IO;
using System.Text;

namespace DenoiseService.Build
{
    /// <summary>
    /// Edits the version needs of an ELF64 little-endian shared object. TorchSharp's native library asks for version GLIBCXX_3.4.32 of
    /// libstdc++ (GCC 13) for one symbol that it never calls; marked weak, the entry no longer stops older loaders (Debian 12, Ubuntu 22.04).
    /// </summary>
    public static class VersionNeeds
    {
        public const string Version = "GLIBCXX_3.4.32";
        private const ushort VerFlgWeak = 0x2;
        private const uint ShtGnuVerneed = 0x6ffffffe;

        /// <summary>Sets the weak bit of every entry named <paramref name="version"/>. Returns the number of entries that were changed.</summary>
        public static int Weaken(byte[] elf, string version)
        {
            int changed = 0;
            ForEachEntry(elf, version, flagsAt =>
            {
                ushort flags = BitConverter.ToUInt16(elf, flagsAt);
                if ((flags & VerFlgWeak) != 0) return;
                BitConverter.GetBytes((ushort)(flags | VerFlgWeak)).CopyTo(elf, flagsAt);
                changed++;
            });
            return changed;
        }

        /// <summary>The flags of every entry named <paramref name="version"/>.</summary>
        public static System.Collections.Generic.List<ushort> Flags(byte[] elf, string version)
        {
            var flags = new System.Collections.Generic.List<ushort>();
            ForEachEntry(elf, version, flagsAt => flags.Add(BitConverter.ToUInt16(elf, flagsAt)));
            return flags;
        }

        /// <summary>True when a libstdc++ is found in one of the usual places and offers <paramref name="version"/>.</summary>
        public static bool SystemOffers(string version)
        {
            string[] folders = { "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/lib64", "/usr/lib", "/lib" };
            foreach (string folder in folders)
            {
                string path = Path.Combine(folder, "libstdc++.so.6");
                if (!File.Exists(path)) continue;
                return Encoding.GetEncoding(28591).GetString(File.ReadAllBytes(path)).Contains(version + "\0");
            }
            return false;
        }

        /// <summary>Weakens a file by writing a new one beside it and renaming, so that a hard link into the package cache is never written to.</summary>
        public static bool WeakenFile(string path, string version)
        {
            byte[] elf = File.ReadAllBytes(path);
            if (Weaken(elf, version) == 0) return false;
            DateTime written = File.GetLastWriteTimeUtc(path);
            string temporary = path + ".weakened";
            File.WriteAllBytes(temporary, elf);
            // The time of the original: the next build's copy step then sees an unchanged file and leaves it alone.
            File.SetLastWriteTimeUtc(temporary, written);
            File.Delete(path);
            File.Move(temporary, path);
            return true;
        }

        private static void ForEachEntry(byte[] elf, string version, Action<int> visitFlags)
        {
            if (elf.Length < 64 || elf[0] != 0x7f || elf[1] != 'E' || elf[2] != 'L' || elf[3] != 'F' || elf[4] != 2 || elf[5] != 1) return;
            long sections = BitConverter.ToInt64(elf, 0x28);
            int size = BitConverter.ToUInt16(elf, 0x3a), count = BitConverter.ToUInt16(elf, 0x3c);
            for (int s = 0; s < count; s++)
            {
                int header = (int)(sections + (long)s * size);
                if (BitConverter.ToUInt32(elf, header + 4) != ShtGnuVerneed) continue;
                int need = (int)BitConverter.ToInt64(elf, header + 24);
                int stringTable = (int)(sections + (long)BitConverter.ToInt32(elf, header + 40) * size);
                int strings = (int)BitConverter.ToInt64(elf, stringTable + 24);
                for (int n = BitConverter.ToInt32(elf, header + 44); n > 0; n--)
                {
                    int entry = need + BitConverter.ToInt32(elf, need + 8);
                    for (int e = BitConverter.ToUInt16(elf, need + 2); e > 0; e--)
                    {
                        if (NameAt(elf, strings + BitConverter.ToInt32(elf, entry + 8)) == version) visitFlags(entry + 4);
                        entry += BitConverter.ToInt32(elf, entry + 12);
                    }
                    need += BitConverter.ToInt32(elf, need + 12);
                }
            }
        }

        private static string NameAt(byte[] elf, int at)
        {
            int end = Array.IndexOf(elf, (byte)0, at);
            return Encoding.ASCII.GetString(elf, at, end - at);
        }
    }

#if !WEAKEN_TESTS
    /// <summary>Weakens every given library, where the system's libstdc++ lacks the version.</summary>
    public sealed class WeakenLibstdcxx : Microsoft.Build.Utilities.Task
    {
        [Microsoft.Build.Framework.Required]
        public Microsoft.Build.Framework.ITaskItem[] Libraries { get; set; }

        public bool Always { get; set; }

        public override bool Execute()
        {
            if (!Always && VersionNeeds.SystemOffers(VersionNeeds.Version)) return true;
            foreach (Microsoft.Build.Framework.ITaskItem library in Libraries)
                if (VersionNeeds.WeakenFile(library.ItemSpec, VersionNeeds.Version))
                    Log.LogMessage(Microsoft.Build.Framework.MessageImportance.Normal, "Made " + VersionNeeds.Version + " optional in " + library.ItemSpec);
            return true;
        }
    }
#endif
}
