using System.Diagnostics;

namespace DenoiseService.Bench;

/// <summary>The service as a process of its own, with an empty data folder, until disposed of.</summary>
internal sealed class ServiceUnderTest : IAsyncDisposable
{
    private const int Port = 18080;
    private readonly Process _process;
    private readonly string _data;

    private ServiceUnderTest(string dll)
    {
        _data = Directory.CreateTempSubdirectory("denoise-bench-").FullName;
        _process = Process.Start(new ProcessStartInfo("dotnet", [dll, "--urls", $"http://127.0.0.1:{Port}", "--Storage:DataFolder", _data]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        _ = _process.StandardOutput.ReadToEndAsync();
        _ = _process.StandardError.ReadToEndAsync();
    }

    public HttpClient Client { get; } = new() { BaseAddress = new Uri($"http://127.0.0.1:{Port}"), Timeout = TimeSpan.FromMinutes(10) };

    public int ProcessId => _process.Id;

    /// <summary>Starts it and waits until it is ready.</summary>
    public static async Task<ServiceUnderTest> StartAsync(string dll)
    {
        var service = new ServiceUnderTest(dll);
        for (int tries = 0; tries < 240; tries++)
        {
            try
            {
                if ((await service.Client.GetAsync(new Uri("/health/ready", UriKind.Relative))).IsSuccessStatusCode) return service;
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }

            await Task.Delay(250);
        }

        await service.DisposeAsync();
        throw new TimeoutException("The service was not ready within a minute.");
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(_data, recursive: true);
    }
}
