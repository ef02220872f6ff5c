using DenoiseService.Api.Access;
using DenoiseService.Api.Comparing;
using DenoiseService.Api.Datasets;
using DenoiseService.Api.Denoising;
using DenoiseService.Api.Errors;
using DenoiseService.Api.Health;
using DenoiseService.Api.Jobs;
using DenoiseService.Api.Logging;
using DenoiseService.Api.Models;
using DenoiseService.Api.OpenApi;
using DenoiseService.Api.Pictures;
using DenoiseService.Api.Routing;
using DenoiseService.Api.Serving;
using DenoiseService.Api.Storage;
using DenoiseService.Api.Webhooks;
using DenoiseService.Model;
using Microsoft.Extensions.Options;

OpenMp.SleepSoon();

// Settings and models stand beside the program, wherever it is started from.
var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });

// appsettings.json names the default address; without this it would also beat ASPNETCORE_URLS, which everybody expects to work.
builder.Configuration.AddEnvironmentVariables("ASPNETCORE_").AddCommandLine(args);

builder.Services.AddLogs(builder.Configuration);
builder.Services.AddStorage();
builder.Services.AddAccess();
builder.Services.AddModels();
builder.Services.AddServing();
builder.Services.AddPictures();
builder.Services.AddDenoising();
builder.Services.AddRoutingMap();
builder.Services.AddComparing();
builder.Services.AddDatasets();
builder.Services.AddWebhooks();
builder.Services.AddJobs();
builder.Services.AddOpenApiDocument();

// Outside of development too: a body that cannot be read is answered by the table of problems.
builder.Services.Configure<RouteHandlerOptions>(o => o.ThrowOnBadRequest = true);

try
{
    WebApplication app = builder.Build();
    app.UseMiddleware<RequestIdMiddleware>();
    app.UseRequestLog();
    app.UseMiddleware<ProblemMiddleware>();
    app.UseAccess();
    app.UseOpenApiDocument();
    if (app.Services.GetRequiredService<IOptions<RolesOptions>>().Value.Api)
    {
        app.MapDenoising();
        app.MapRoutingMap();
        app.MapComparing();
        app.MapModels();
        app.MapDatasets();
        app.MapJobs();
        app.MapWebhooks();
        app.MapKeys();
    }

    app.MapHealth();
    app.Run();
    return 0;
}
catch (OptionsValidationException e)
{
    LoggingFeature.ReportRefusedSettings(e);
    return 1;
}
catch (OperationCanceledException)
{
    return 0; // the stop signal came during the start
}
