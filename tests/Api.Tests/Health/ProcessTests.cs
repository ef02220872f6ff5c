using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using DenoiseService.Api.Tests.Support;

namespace DenoiseService.Api.Tests.Health;

public sealed partial class ProcessTests
{
    private const int Sigterm = 15;

    [Fact]
    public async Task A_setting_out_of_range_ends_the_process_with_its_name_and_no_stack()
    {
        using var process = new ServiceProcess("--Inference:Threads=0");
        Assert.Equal(1, await process.ExitCodeAsync());
        Assert.Contains("Inference:Threads: is 0; it must be 1 to 1024.", process.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", process.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task After_sigterm_the_service_is_not_ready_still_serves_ends_what_it_has_and_exits_with_0()
    {
        if (OperatingSystem.IsWindows()) return;
        using var models = new ModelFolder();
        using var process = new ServiceProcess($"--Models:Folder={models.Path}", "--Models:Default=small", "--Inference:DrainSeconds=2");
        using var client = new HttpClient { BaseAddress = await process.Address };
        await Service.UntilAsync(() => client.GetAsync("/health/ready").Result.IsSuccessStatusCode, "ready");

        byte[] picture = Support.Pictures.Encode(40, 40);
        using var slow = new SlowContent(picture);
        Task<HttpResponseMessage> underway = client.PostAsync("/v1/denoise", slow);
        await slow.HalfSent;
        Assert.Equal(0, Kill(process.Id, Sigterm));
        await Service.UntilAsync(() => client.GetAsync("/health/ready").Result.StatusCode == HttpStatusCode.ServiceUnavailable, "not ready");
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync("/v1/denoise", Support.Pictures.Raw(picture))).StatusCode);
        slow.SendTheRest();
        Assert.Equal(HttpStatusCode.OK, (await underway).StatusCode);
        Assert.Equal(0, await process.ExitCodeAsync());
    }

    [Fact]
    public async Task Sigterm_while_the_service_waits_for_its_database_to_answer_ends_the_start_with_0_and_no_stack()
    {
        if (OperatingSystem.IsWindows()) return;
        using var silent = new TcpListener(IPAddress.Loopback, 0); // takes connections and says nothing
        silent.Start();
        using var process = new ServiceProcess("--Storage:Provider=PostgreSql", $"--Storage:ConnectionString=Host=127.0.0.1;Port={((IPEndPoint)silent.LocalEndpoint).Port};Username=a;Password=b;Timeout=25");
        using TcpClient connection = await silent.AcceptTcpClientAsync().WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(0, Kill(process.Id, Sigterm));
        int code = await process.ExitCodeAsync();
        Assert.True(code == 0 && !process.Output.Contains("   at ", StringComparison.Ordinal), $"{code}: {process.Output}");
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);

    /// <summary>Sends half of itself, and the rest when told to.</summary>
    private sealed class SlowContent(byte[] bytes) : HttpContent
    {
        private readonly TaskCompletionSource _half = new(), _rest = new();

        public Task HalfSent => _half.Task;

        public void SendTheRest() => _rest.SetResult();

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(bytes.AsMemory(0, bytes.Length / 2));
            await stream.FlushAsync();
            _half.SetResult();
            await _rest.Task;
            await stream.WriteAsync(bytes.AsMemory(bytes.Length / 2));
        }

        protected override bool TryComputeLength(out long length)
        {
            length = bytes.Length;
            return true;
        }
    }
}
