using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using DenoiseService.Imaging;

namespace DenoiseService.Bench;

/// <summary>How long pictures take over HTTP while nothing else runs, and while a training job of the report's network runs in the same process; in turns.</summary>
internal static class JobBench
{
    private const int Rounds = 3;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100); // in which the job works; a picture meets it in the middle of a step

    public static async Task<int> RunAsync(TextWriter output, string[] arguments)
    {
        if (arguments.Length != 1) throw new ArgumentException("jobs API.dll");
        (string Name, byte[] Png, int Count)[] pictures =
        [
            ("32 × 32", ImageCodec.Encode(TestPicture.Noisy(32, 32), ImageFormat.Png), 150),
            ("1 megapixel", ImageCodec.Encode(TestPicture.Noisy(1000, 1000), ImageFormat.Png), 15),
        ];
        await using ServiceUnderTest service = await ServiceUnderTest.StartAsync(arguments[0]);
        var times = new Dictionary<(string Picture, bool Job), List<double>>();
        double alone = 0, beside = 0;
        for (int round = 0; round < Rounds; round++)
        {
            foreach (bool withJob in (bool[])[false, true])
            {
                string? job = withJob ? await StartJobAsync(service.Client) : null;
                if (job is not null) alone = Math.Max(alone, await SpeedAsync(service.Client, job, () => Task.Delay(TimeSpan.FromSeconds(10))));
                foreach ((string name, byte[] png, int count) in pictures)
                {
                    if (!times.TryGetValue((name, withJob), out List<double>? taken)) times[(name, withJob)] = taken = [];
                    if (job is null) await Requests();
                    else beside = await SpeedAsync(service.Client, job, Requests); // the last picture's stays

                    async Task Requests()
                    {
                        for (int i = 0; i < count; i++) taken.Add(await DenoiseAsync(service.Client, png));
                    }
                }

                if (job is not null) await EndAsync(service.Client, job);
            }
        }

        output.WriteLine("| picture | requests | p50 ms, no job | p50 ms, job | p95 ms, no job | p95 ms, job | p95 ratio |");
        output.WriteLine("| --- | --- | --- | --- | --- | --- | --- |");
        foreach ((string name, _, _) in pictures)
        {
            List<double> without = times[(name, false)], with = times[(name, true)];
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | {with.Count} | {Quantile(without, 0.5):F1} | {Quantile(with, 0.5):F1} | {Quantile(without, 0.95):F1} | {Quantile(with, 0.95):F1} | {Quantile(with, 0.95) / Quantile(without, 0.95):F2} |"));
        }

        output.WriteLine();
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"The job (the report's network, batch 32, one thread): {alone:F2} steps/s alone, {beside:F2} beside the last picture."));
        return 0;
    }

    private static async Task<double> DenoiseAsync(HttpClient client, byte[] png)
    {
        await Task.Delay(Pause);
        var content = new ByteArrayContent(png);
        content.Headers.ContentType = new MediaTypeHeaderValue("image/png");
        long started = Stopwatch.GetTimestamp();
        using HttpResponseMessage answer = await client.PostAsync(new Uri("/v1/denoise", UriKind.Relative), content);
        answer.EnsureSuccessStatusCode();
        await answer.Content.ReadAsByteArrayAsync();
        return Stopwatch.GetElapsedTime(started).TotalMilliseconds;
    }

    private static async Task<string> StartJobAsync(HttpClient client)
    {
        const string body = """{ "data": [{ "path": "sample" }], "steps": 1000000, "batchSize": 32, "validateEvery": 1000000 }""";
        using HttpResponseMessage answer = await client.PostAsync(new Uri("/v1/training-jobs", UriKind.Relative), new StringContent(body, Encoding.UTF8, "application/json"));
        answer.EnsureSuccessStatusCode();
        string id = JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement.GetProperty("id").GetString()!;
        await UntilAsync(client, id, job => job.GetProperty("step").GetInt64() > 5);
        return id;
    }

    private static async Task EndAsync(HttpClient client, string job)
    {
        using HttpResponseMessage answer = await client.PostAsync(new Uri($"/v1/jobs/{job}/cancel", UriKind.Relative), null);
        answer.EnsureSuccessStatusCode();
        await UntilAsync(client, job, j => j.GetProperty("state").GetString() == "cancelled");
    }

    /// <summary>Steps a second of the job while something else happens.</summary>
    private static async Task<double> SpeedAsync(HttpClient client, string job, Func<Task> meanwhile)
    {
        long before = (await JobAsync(client, job)).GetProperty("step").GetInt64(), started = Stopwatch.GetTimestamp();
        await meanwhile();
        return ((await JobAsync(client, job)).GetProperty("step").GetInt64() - before) / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    private static async Task UntilAsync(HttpClient client, string job, Func<JsonElement, bool> reached)
    {
        for (long started = Stopwatch.GetTimestamp(); !reached(await JobAsync(client, job)); await Task.Delay(100))
        {
            if (Stopwatch.GetElapsedTime(started) > TimeSpan.FromMinutes(2)) throw new TimeoutException($"The job is {await JobAsync(client, job)}");
        }
    }

    private static async Task<JsonElement> JobAsync(HttpClient client, string job) => JsonDocument.Parse(await client.GetStringAsync(new Uri($"/v1/jobs/{job}", UriKind.Relative))).RootElement;

    private static double Quantile(List<double> values, double share)
    {
        double[] sorted = [.. values.Order()];
        return sorted[(int)Math.Ceiling(share * sorted.Length) - 1];
    }
}
