using System.Diagnostics;
using System.Text;

namespace DenoiseService.Api.Tests.Support;

/// <summary>The service as its users start it: a process of its own.</summary>
public sealed class ServiceProcess : IDisposable
{
    private readonly Process _process;
    private readonly string _data = Directory.CreateTempSubdirectory("denoise-data-").FullName;
    private readonly StringBuilder _output = new();
    private readonly TaskCompletionSource<Uri> _address = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ServiceProcess(params string[] arguments)
    {
        string dll = Path.Combine(AppContext.BaseDirectory, "DenoiseService.Api.dll");
        var start = new ProcessStartInfo("dotnet", [dll, "--Urls=http://127.0.0.1:0", $"--Storage:DataFolder={_data}", .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Path.GetTempPath() };
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, e) => Read(e.Data);
        _process.ErrorDataReceived += (_, e) => Read(e.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Where it listens, once it does.</summary>
    public Task<Uri> Address => _address.Task.WaitAsync(TimeSpan.FromSeconds(30));

    public int Id => _process.Id;

    public string Output
    {
        get
        {
            lock (_output) return _output.ToString();
        }
    }

    public async Task<int> ExitCodeAsync()
    {
        await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
        return _process.ExitCode;
    }

    /// <summary>As a crash does it: no handler runs, nothing is flushed.</summary>
    public void KillHard()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        Directory.Delete(_data, recursive: true);
    }

    private void Read(string? line)
    {
        if (line is null) return;
        lock (_output) _output.AppendLine(line);
        int at = line.IndexOf("http://127.0.0.1:", StringComparison.Ordinal);
        if (at >= 0 && line.Contains("listening", StringComparison.Ordinal)) _address.TrySetResult(new Uri(line[at..].Trim('"', '}', ' ')));
    }
}
