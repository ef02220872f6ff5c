using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using DenoiseService.Imaging;
using DenoiseService.Model;
using DenoiseService.Training.Experiments;
using static TorchSharp.torch;

namespace DenoiseService.Bench;

/// <summary>A 12-megapixel picture through the engine in this process, and through HTTP by a service of its own.</summary>
internal static class PhotographBench
{
    private const int Height = 3000, Width = 4000;

    public static async Task<int> RunAsync(TextWriter output, string[] arguments)
    {
        if (arguments.Length != 2) throw new ArgumentException("photograph CHECKPOINT API.dll");
        set_num_threads(1);
        double megapixels = Height * (double)Width / 1e6;
        byte[] jpeg = ImageCodec.Encode(TestPicture.Noisy(Height, Width), ImageFormat.Jpeg);

        var (network, _) = Checkpoint.Load(arguments[0]);
        double engine;
        PeakMemory.Reset();
        using (var denoiser = new Denoiser(network))
        {
            engine = Rounds.Medians(2, [() =>
            {
                Picture picture = TestPicture.Noisy(Height, Width);
                denoiser.Denoise(picture.Samples, picture.Height, picture.Width);
            }])[0];
        }

        long enginePeak = PeakMemory.Of(Environment.ProcessId);

        await using ServiceUnderTest service = await ServiceUnderTest.StartAsync(arguments[1]);
        long idle = PeakMemory.Of(service.ProcessId);
        var times = new List<double>();
        string timing = "";
        for (int i = 0; i < 3; i++)
        {
            var content = new ByteArrayContent(jpeg);
            content.Headers.ContentType = new MediaTypeHeaderValue("image/jpeg");
            long started = Stopwatch.GetTimestamp();
            using HttpResponseMessage answer = await service.Client.PostAsync(new Uri("/v1/denoise", UriKind.Relative), content);
            string body = answer.IsSuccessStatusCode ? "" : await answer.Content.ReadAsStringAsync();
            if (body.Length > 0) throw new InvalidOperationException($"The service answered {(int)answer.StatusCode}: {body}");
            await answer.Content.ReadAsByteArrayAsync();
            times.Add(Stopwatch.GetElapsedTime(started).TotalSeconds);
            timing = answer.Headers.GetValues("Server-Timing").First();
        }

        double http = Rounds.Median(times);
        output.WriteLine("| 12-megapixel JPEG | seconds | seconds per megapixel | peak memory |");
        output.WriteLine("| --- | --- | --- | --- |");
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| engine | {engine:F1} | {engine / megapixels:F2} | {enginePeak >> 20} MiB |"));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| HTTP | {http:F1} | {http / megapixels:F2} | {PeakMemory.Of(service.ProcessId) >> 20} MiB (ready and idle: {idle >> 20} MiB) |"));
        output.WriteLine();
        output.WriteLine($"Server-Timing of the last request: {timing}");
        return 0;
    }
}
