using DenoiseService.Api.Settings;

namespace DenoiseService.Api.Access;

/// <summary>Who may do what, and how much of it.</summary>
internal static class AccessFeature
{
    /// <summary>Add after the storage.</summary>
    public static IServiceCollection AddAccess(this IServiceCollection services)
    {
        services.AddValidatedOptions<SecurityOptions>(SecurityOptions.Section);
        services.AddValidatedOptions<RateLimitOptions>(RateLimitOptions.Section);
        services.AddSingleton<KeyUsage>();
        services.AddHostedService(s => s.GetRequiredService<KeyUsage>());
        services.AddSingleton<KeyPresence>();
        services.AddSingleton<KeyRing>();
        services.AddSingleton<KeyRegister>();
        services.AddSingleton<AccessGate>();
        services.AddSingleton<RateLimits>();
        services.AddHostedService<AccessAnnouncer>();
        services.ConfigureSwaggerGen(ScopeFilter.AddTo);
        return services;
    }

    /// <summary>Stands inside the problem middleware, and outside whatever reads a request.</summary>
    public static void UseAccess(this IApplicationBuilder app) => app.UseMiddleware<AccessMiddleware>();
}
