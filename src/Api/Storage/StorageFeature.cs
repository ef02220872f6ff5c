using DenoiseService.Api.Settings;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Storage;

/// <summary>The database: one file by default, a PostgreSQL server by configuration.</summary>
internal static class StorageFeature
{
    /// <summary>Add first: what starts first stops last. Take <c>IDbContextFactory&lt;Store&gt;</c> for records and <see cref="BlobStore"/> for bytes.</summary>
    public static IServiceCollection AddStorage(this IServiceCollection services)
    {
        services.AddValidatedOptions<StorageOptions>(StorageOptions.Section);
        services.AddSingleton<IValidateOptions<StorageOptions>, DataFolderCheck>();
        services.AddSingleton<StoreFactory>();
        services.AddSingleton<IDbContextFactory<Store>>(s => s.GetRequiredService<StoreFactory>());
        services.AddSingleton<StorageMigrator>();
        services.AddSingleton<BlobStore>();
        services.AddSingleton<Leftovers>();
        services.AddSingleton<StorageMonitor>();
        services.AddHostedService(s => s.GetRequiredService<StorageMonitor>());
        return services.AddHostedService<StorageSweeper>();
    }
}
