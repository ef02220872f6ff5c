using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Npgsql;

namespace DenoiseService.Api.Tests.Storage;

/// <summary>A PostgreSQL server of the tests' own: a fresh cluster in a temporary folder, on loopback, with a password. It ends with the tests, also when they are killed.</summary>
internal sealed class PostgresServer : IAsyncDisposable
{
    private const string User = "tester";
    private readonly string _folder;
    private readonly string _password;
    private readonly int _port;
    private Process _process;

    private PostgresServer(string folder, string password, int port)
    {
        (_folder, _password, _port) = (folder, password, port);
        _process = Launch();
    }

    /// <summary>Why there can be none here; null if there can.</summary>
    public static string? Missing { get; } = Binaries() is null ? "PostgreSQL is not installed here." : null;

    public static async Task<PostgresServer> StartAsync()
    {
        string folder = Directory.CreateTempSubdirectory("denoise-pg-").FullName, password = Guid.NewGuid().ToString("N");
        await File.WriteAllTextAsync(Path.Combine(folder, "password"), password);
        if (Environment.IsPrivilegedProcess) await RunAsync("chown", "-R", "postgres", folder);
        string[] command = AsServerUser(Path.Combine(Binaries()!, "initdb"), "-D", Path.Combine(folder, "cluster"), "-U", User, "-A", "scram-sha-256", "--pwfile", Path.Combine(folder, "password"), "-E", "UTF8", "--locale=C", "--no-sync");
        await RunAsync(command[0], command[1..]);
        var server = new PostgresServer(folder, password, FreePort());
        await server.AnswersAsync();
        return server;
    }

    public string ConnectionString(string database) => $"Host=127.0.0.1;Port={_port};Username={User};Password={_password};Database={database};Include Error Detail=true";

    public async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(ConnectionString("postgres") + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    public async Task StopAsync()
    {
        _process.StandardInput.Close(); // the shell around it reads that as the end
        await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
        _process.Dispose();
    }

    /// <summary>After a stop: the same cluster on the same port.</summary>
    public async Task StartAgainAsync()
    {
        _process = Launch();
        await AnswersAsync();
    }

    public async ValueTask DisposeAsync()
    {
        NpgsqlConnection.ClearAllPools();
        await StopAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private Process Launch()
    {
        // Standard input closes when the tests end, in whatever way: then the shell stops the server it started.
        const string Script = """ "$@" >"$LOG" 2>&1 </dev/null & server=$!; read -r _; kill -INT $server; wait $server""";
        string[] command = AsServerUser(
            "sh", "-c", $"LOG='{_folder}/log'; {Script}", "sh", Path.Combine(Binaries()!, "postgres"), "-D", Path.Combine(_folder, "cluster"), "-p", $"{_port}", "-c", "listen_addresses=127.0.0.1", "-c", $"unix_socket_directories={_folder}",
            "-c", "fsync=off", "-c", "max_connections=200", "-c", "shared_buffers=32MB");
        return Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardInput = true, WorkingDirectory = _folder })!;
    }

    private async Task AnswersAsync()
    {
        for (var watch = Stopwatch.StartNew(); ;)
        {
            try
            {
                await ExecuteAsync("SELECT 1");
                return;
            }
            catch (NpgsqlException) when (watch.Elapsed < TimeSpan.FromSeconds(30) && !_process.HasExited)
            {
                await Task.Delay(50);
            }
        }
    }

    // The server refuses to run as root.
    private static string[] AsServerUser(params string[] command) => Environment.IsPrivilegedProcess ? ["runuser", "-u", "postgres", "--", .. command] : command;

    private static async Task RunAsync(string file, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(file, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Path.GetTempPath() })!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0) throw new InvalidOperationException(new StringBuilder(file).Append(": ").Append(await output).Append(await errors).ToString());
    }

    // Debian keeps each major version in a folder of its own, off the PATH.
    private static string? Binaries()
    {
        if (OperatingSystem.IsWindows()) return null;
        string[] debian = Directory.Exists("/usr/lib/postgresql") ? [.. Directory.GetDirectories("/usr/lib/postgresql").OrderByDescending(d => int.TryParse(Path.GetFileName(d), out int major) ? major : 0).Select(d => Path.Combine(d, "bin"))] : [];
        return debian.Concat((Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')).FirstOrDefault(d => File.Exists(Path.Combine(d, "initdb")) && File.Exists(Path.Combine(d, "postgres")));
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
