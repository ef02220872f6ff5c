using DenoiseService.Api.Storage;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Access;

/// <summary>Says at the start who may come, and makes the first key where keys are demanded and none is there.</summary>
internal sealed partial class AccessAnnouncer(KeyRegister register, KeyPresence presence, StorageMonitor storage, IOptions<SecurityOptions> options, ILogger<AccessAnnouncer> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        SecurityOptions security = options.Value;
        if (security.AllowAnonymous) LogAnonymous(security.AnonymousScopes.Names());
        await storage.MigratedAsync(stoppingToken);
        try
        {
            if (security is { RequireKeys: true, HasAdminKey: false } && await MakeFirstAsync(stoppingToken)) return;
            if (await presence.KeysRequiredAsync(stoppingToken)) LogKeys();
            else if (!security.AllowAnonymous) LogLocalOnly();
        }
        catch (Exception e) when (!stoppingToken.IsCancellationRequested)
        {
            LogUnknown(e.GetType().Name);
        }
    }

    private async Task<bool> MakeFirstAsync(CancellationToken cancellationToken)
    {
        // A key that nobody can read would lock everybody out.
        if (!logger.IsEnabled(LogLevel.Warning))
        {
            LogUnreadable();
            return false;
        }

        string? key = await register.MakeFirstAsync(cancellationToken);
        if (key is not null) LogFirst(key);
        return key is not null;
    }

    [LoggerMessage(LogLevel.Warning, "The first admin key, shown this once; keep it: {Key}")]
    private partial void LogFirst(string key);

    [LoggerMessage(LogLevel.Information, "Keys are asked for")]
    private partial void LogKeys();

    [LoggerMessage(LogLevel.Warning, "No key exists: only requests from this machine are answered. Make a key (POST /v1/keys), or set Security:AdminKey, or Security:AllowAnonymous")]
    private partial void LogLocalOnly();

    [LoggerMessage(LogLevel.Warning, "Security:AllowAnonymous is set: anybody who reaches this service may use it without a key, for {Scopes}")]
    private partial void LogAnonymous(string scopes);

    [LoggerMessage(LogLevel.Critical, "Security:RequireKeys is set, but the log leaves out warnings, so the first admin key could not be shown and is not made; set Security:AdminKey")]
    private partial void LogUnreadable();

    [LoggerMessage(LogLevel.Error, "The keys could not be looked at ({Error}); if this was the first start with Security:RequireKeys, start again")]
    private partial void LogUnknown(string error);
}
