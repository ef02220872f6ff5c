using System.Net;
using System.Text.Json;
using DenoiseService.Api.Models;
using DenoiseService.Api.Serving;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;

namespace DenoiseService.Api.Tests.Support;

/// <summary>The whole service with a small real network; settings may be overridden by name.</summary>
public sealed class Service : WebApplicationFactory<Program>
{
    private readonly Dictionary<string, string> _settings;
    private readonly TimeProvider? _time;

    public Service() : this([])
    {
    }

    internal Service(Dictionary<string, string> settings, ModelFolder? models = null, TimeProvider? time = null)
    {
        (_settings, _time) = (settings, time);
        Models = models ?? new ModelFolder();
    }

    public ModelFolder Models { get; }

    internal ModelWorker Worker => Services.GetRequiredService<ModelWorker>();

    internal Admission Admission => Services.GetRequiredService<Admission>();

    internal LoadedModels Loaded => Services.GetRequiredService<LoadedModels>();

    /// <summary>A client, once the service is ready.</summary>
    public async Task<HttpClient> ReadyAsync()
    {
        HttpClient client = CreateClient();
        while ((await client.GetAsync("/health/ready")).StatusCode != HttpStatusCode.OK) await Task.Delay(10);
        return client;
    }

    /// <summary>Keeps the worker's thread busy until disposed.</summary>
    internal async Task<IDisposable> HoldAsync()
    {
        var gate = new ManualResetEventSlim();
        var held = new TaskCompletionSource();
        Task done = Worker.InvokeAsync(() =>
        {
            held.SetResult();
            gate.Wait();
            return true;
        });
        await held.Task;
        return new Gate(gate, done);
    }

    /// <summary>Waits until a state is reached; fails after 30 s.</summary>
    public static async Task UntilAsync(Func<bool> reached, string what)
    {
        for (var watch = System.Diagnostics.Stopwatch.StartNew(); !reached();)
        {
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(30), $"Waited in vain: {what}");
            await Task.Delay(5);
        }
    }

    protected override void ConfigureWebHost(IWebHostBuilder builder)
    {
        builder.UseSetting("Models:Folder", Models.Path);
        builder.UseSetting("Models:Default", ModelFolder.Small);
        builder.UseSetting("Inference:Threads", "2");
        builder.UseSetting("Storage:DataFolder", Path.Combine(Models.Path, "data"));
        builder.UseSetting("Serilog:MinimumLevel:Default", "Fatal");
        foreach ((string name, string value) in _settings) builder.UseSetting(name, value);
        if (_time is { } time) builder.ConfigureTestServices(s => s.AddSingleton(time));
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing) Models.Dispose();
    }

    private sealed class Gate(ManualResetEventSlim gate, Task done) : IDisposable
    {
        public void Dispose()
        {
            gate.Set();
            done.GetAwaiter().GetResult();
        }
    }
}

/// <summary>Reads of answers that tests share.</summary>
public static class Answers
{
    public static async Task<JsonElement> JsonAsync(this HttpResponseMessage response) =>
        JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync()).RootElement;

    /// <summary>Asserts a problem of a kind and returns it.</summary>
    public static async Task<JsonElement> ProblemAsync(this HttpResponseMessage response, HttpStatusCode status, string kind)
    {
        string text = await response.Content.ReadAsStringAsync();
        Assert.True(status == response.StatusCode, $"{response.StatusCode}: {text}");
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        JsonElement problem = JsonDocument.Parse(text).RootElement;
        Assert.Equal("urn:denoise:problem:" + kind, problem.GetProperty("type").GetString());
        Assert.Equal((int)status, problem.GetProperty("status").GetInt32());
        Assert.Equal(problem.GetProperty("requestId").GetString(), Assert.Single(response.Headers.GetValues("X-Request-Id")));
        Assert.False(string.IsNullOrWhiteSpace(problem.GetProperty("title").GetString()));
        // No path of the server, no stack trace.
        foreach (string secret in (string[])["/tmp", "/root", "/work", "/home", AppContext.BaseDirectory, "   at ", "Exception"]) Assert.DoesNotContain(secret, text, StringComparison.Ordinal);
        return problem;
    }
}
