using System.Globalization;
using DenoiseService.Api.Access;
using DenoiseService.Api.Pictures;
using Microsoft.Extensions.Options;
using Serilog;
using Serilog.Events;
using Serilog.Formatting.Compact;

namespace DenoiseService.Api.Logging;

/// <summary>One structured line for each request: JSON in containers, readable elsewhere.</summary>
internal static class LoggingFeature
{
    private const string Readable = "{Timestamp:HH:mm:ss} {Level:u3} {Message:lj}{NewLine}{Exception}";

    public static IServiceCollection AddLogs(this IServiceCollection services, IConfiguration configuration)
    {
        bool container = configuration.GetValue<bool>("DOTNET_RUNNING_IN_CONTAINER");
        return services.AddSerilog(log =>
        {
            log.MinimumLevel.Information().MinimumLevel.Override("Microsoft.AspNetCore", LogEventLevel.Warning).MinimumLevel.Override("Microsoft.EntityFrameworkCore", LogEventLevel.Warning).MinimumLevel.Override("Quartz", LogEventLevel.Warning).ReadFrom.Configuration(configuration).Enrich.FromLogContext();
            // Refused settings are told by ReportRefusedSettings, without a stack; cancellation, as by a stop signal during the start, is no error.
            log.Filter.ByExcluding(e => e.Exception is OptionsValidationException or OperationCanceledException);
            _ = container ? log.WriteTo.Console(new RenderedCompactJsonFormatter()) : log.WriteTo.Console(outputTemplate: Readable, formatProvider: CultureInfo.InvariantCulture);
        });
    }

    /// <summary>Stands outermost but for the request id, so that it sees the status of errors too.</summary>
    public static void UseRequestLog(this IApplicationBuilder app) => app.UseSerilogRequestLogging(options =>
    {
        options.MessageTemplate = "{RequestMethod} {RequestPath} {StatusCode} in {Elapsed:0.0} ms, {BytesIn} B in, {BytesOut} B out, {Patches} patches, [{Timings}] {RequestId}";
        options.GetLevel = (context, _, exception) =>
            IsProbe(context.Request) ? LogEventLevel.Debug
            : exception is not null || context.Response.StatusCode == StatusCodes.Status500InternalServerError ? LogEventLevel.Error
            : context.Response.StatusCode > StatusCodes.Status500InternalServerError ? LogEventLevel.Warning
            : LogEventLevel.Information;
        options.EnrichDiagnosticContext = (log, context) =>
        {
            HttpResponse response = context.Response;
            log.Set("RequestId", context.TraceIdentifier);
            log.Set("Key", context.GetCaller().Id);
            log.Set("BytesIn", context.Request.ContentLength ?? 0);
            log.Set("BytesOut", response.ContentLength); // null: sent in chunks
            log.Set("Patches", context.Features.Get<RequestClock>()?.Patches ?? 0);
            log.Set("Timings", response.Headers[AnswerHeaders.ServerTiming].ToString());
            log.Set("Model", response.Headers[AnswerHeaders.ModelVersion].ToString());
        };
    });

    /// <summary>The operator needs the settings' names and bounds, not a stack. There is no service yet, so no log either: this makes one.</summary>
    public static void ReportRefusedSettings(OptionsValidationException refusal)
    {
        using Serilog.Core.Logger log = new LoggerConfiguration().WriteTo.Console(outputTemplate: Readable, formatProvider: CultureInfo.InvariantCulture).CreateLogger();
        foreach (string failure in refusal.Failures) log.Fatal("The service does not start. {Failure}", failure);
    }

    // Orchestrators ask every few seconds.
    private static bool IsProbe(HttpRequest request) => request.Path.StartsWithSegments("/health");
}
