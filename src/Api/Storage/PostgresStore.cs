using Microsoft.EntityFrameworkCore;

namespace DenoiseService.Api.Storage;

/// <summary>The store on a server.</summary>
internal sealed class PostgresStore(DbContextOptions<PostgresStore> options) : Store(options)
{
    protected override void ConfigureConventions(ModelConfigurationBuilder configurationBuilder)
    {
        base.ConfigureConventions(configurationBuilder);
        // Ids and cursors compare byte by byte, whatever language the server speaks.
        configurationBuilder.Properties<string>().UseCollation("C");
    }
}
