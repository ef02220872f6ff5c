using NetVips;

namespace DenoiseService.Imaging;

/// <summary>libvips' own globals, set once before its first use, and the translation of its errors.</summary>
internal static class VipsLibrary
{
    // libvips keeps a pointer to the handler: it must never be collected.
    private static readonly Log.LogDelegate Silence = (_, _, _) => { };

    // A static constructor runs once, before the first call below, whatever the threads.
    static VipsLibrary()
    {
        // One truncated PNG writes hundreds of warnings to stderr. (VIPS_WARNING=0 would do it as well, but .NET cannot change the
        // environment that native code sees.) What matters of them arrives as an exception.
        Log.SetLogHandler("VIPS", NetVips.Enums.LogLevelFlags.Warning, Silence);

        // And sizes that no picture has are reported by the object system below it, before libvips refuses them.
        Log.SetLogHandler("GLib-GObject", NetVips.Enums.LogLevelFlags.Critical, Silence);

        // Nothing is loaded but what was named here: no SVG, no CSV, no libvips' own files.
        Operation.Block("VipsForeignLoad", true);
        foreach (string loader in (string[])["Png", "Jpeg", "Webp", "Tiff", "Heif"])
        {
            Operation.Block("VipsForeignLoad" + loader, false);
        }

        // Every picture is seen once: a cache of operations would only hold memory.
        Cache.Max = 0;
        Cache.MaxMem = 0;
        Cache.MaxFiles = 0;
    }

    /// <summary>Runs the static constructor if it has not run yet.</summary>
    /// <param name="concurrency">Threads libvips may use for one picture; null leaves its default, one per core.</param>
    public static void Initialise(int? concurrency = null)
    {
        if (concurrency is { } threads)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
            NetVips.NetVips.Concurrency = threads;
        }
    }

    /// <summary>
    /// The codec's own words for why a file cannot be read, short and in one line. They name no path: all is read from memory. The first line is
    /// NetVips' ("unable to call …"); of the rest the last is nearest to the cause, but for complaints of readers that looked past the end.
    /// </summary>
    public static CorruptImageException Corrupt(ImageFormat format, VipsException error)
    {
        const int enough = 160;
        string said = error.Message
            .Split(['\n', '\r'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Skip(1)
            .LastOrDefault(line => !line.StartsWith("source: bad seek", StringComparison.Ordinal), "no reason given");
        said = said.Length > enough ? said[..enough] : said;
        return new CorruptImageException($"The {format} picture is truncated or damaged ({said}).", error);
    }
}
