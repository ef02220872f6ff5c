using System.Diagnostics;
using DenoiseService.Imaging;
using DenoiseService.Model;
using DenoiseService.Training.Experiments;
using static TorchSharp.torch;

namespace DenoiseService.Bench;

/// <summary>Memory of this process before, and its peak while, a 50-megapixel picture goes through the engine.</summary>
internal static class MemoryBench
{
    public static int Run(TextWriter output, string[] arguments)
    {
        if (arguments.Length != 1) throw new ArgumentException("memory CHECKPOINT");
        set_num_threads(1);
        const int height = 7071, width = 7071;
        var (network, _) = Checkpoint.Load(arguments[0]);
        using var denoiser = new Denoiser(network);
        var small = new float[3 * 256 * 256];
        denoiser.Denoise(small, 256, 256);
        Picture picture = TestPicture.Noisy(height, width);
        PeakMemory.Reset();
        long before = PeakMemory.Of(Environment.ProcessId);
        long started = Stopwatch.GetTimestamp();
        denoiser.Denoise(picture.Samples, height, width);
        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        output.WriteLine($"50 megapixels: {seconds:F0} s; peak memory {PeakMemory.Of(Environment.ProcessId) >> 20} MiB, of which {before >> 20} MiB were there before it started (the picture's own samples are {picture.Samples.Length * 4L >> 20} MiB).");
        return 0;
    }
}
