using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.ChangeTracking;
using Microsoft.EntityFrameworkCore.Storage.ValueConversion;

namespace DenoiseService.Api.Storage;

/// <summary>
/// The one stateful part of the service. Times are kept as Unix milliseconds and texts compare byte by byte, so that both databases order alike. Take
/// one from <c>IDbContextFactory&lt;Store&gt;</c> for each piece of work and dispose of it.
/// </summary>
internal abstract class Store(DbContextOptions options) : DbContext(options)
{
    public DbSet<Job> Jobs => Set<Job>();

    public DbSet<JobEvent> JobEvents => Set<JobEvent>();

    public DbSet<JobCheckpoint> JobCheckpoints => Set<JobCheckpoint>();

    public DbSet<JobArtifact> JobArtifacts => Set<JobArtifact>();

    public DbSet<ModelVersion> ModelVersions => Set<ModelVersion>();

    public DbSet<ModelAlias> ModelAliases => Set<ModelAlias>();

    public DbSet<Promotion> Promotions => Set<Promotion>();

    public DbSet<ApiKey> ApiKeys => Set<ApiKey>();

    public DbSet<Dataset> Datasets => Set<Dataset>();

    public DbSet<Webhook> Webhooks => Set<Webhook>();

    public DbSet<WebhookDelivery> WebhookDeliveries => Set<WebhookDelivery>();

    public DbSet<Blob> Blobs => Set<Blob>();

    public DbSet<BlobChunk> BlobChunks => Set<BlobChunk>();

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">A model version would be changed.</exception>
    public override int SaveChanges(bool acceptAllChangesOnSuccess)
    {
        PrepareChanges();
        return base.SaveChanges(acceptAllChangesOnSuccess);
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">A model version would be changed.</exception>
    public override Task<int> SaveChangesAsync(bool acceptAllChangesOnSuccess, CancellationToken cancellationToken = default)
    {
        PrepareChanges();
        return base.SaveChangesAsync(acceptAllChangesOnSuccess, cancellationToken);
    }

    protected override void ConfigureConventions(ModelConfigurationBuilder configurationBuilder)
    {
        configurationBuilder.Properties<DateTimeOffset>().HaveConversion<UnixMilliseconds>();
        configurationBuilder.Properties<JobKind>().HaveConversion<string>().HaveMaxLength(32);
        configurationBuilder.Properties<JobState>().HaveConversion<string>().HaveMaxLength(32);
        configurationBuilder.Properties<DeliveryState>().HaveConversion<string>().HaveMaxLength(32);
        configurationBuilder.Properties<DeliveryError>().HaveConversion<string>().HaveMaxLength(32);
    }

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<JobEvent>().HasOne<Job>().WithMany().HasForeignKey(e => e.JobId).OnDelete(DeleteBehavior.Cascade);
        modelBuilder.Entity<JobCheckpoint>().HasOne<Job>().WithMany().HasForeignKey(c => c.JobId).OnDelete(DeleteBehavior.Cascade);
        modelBuilder.Entity<JobArtifact>().HasOne<Job>().WithMany().HasForeignKey(a => a.JobId).OnDelete(DeleteBehavior.Cascade);
        modelBuilder.Entity<ModelAlias>().HasOne<ModelVersion>().WithMany().HasForeignKey(a => a.VersionId).OnDelete(DeleteBehavior.Restrict);
        modelBuilder.Entity<BlobChunk>().HasOne<Blob>().WithMany().HasForeignKey(c => c.Sha256).OnDelete(DeleteBehavior.Cascade);
        // Bytes in use cannot be deleted.
        modelBuilder.Entity<JobCheckpoint>().HasOne<Blob>().WithMany().HasForeignKey(c => c.Sha256).OnDelete(DeleteBehavior.Restrict);
        modelBuilder.Entity<JobArtifact>().HasOne<Blob>().WithMany().HasForeignKey(a => a.Sha256).OnDelete(DeleteBehavior.Restrict);
        modelBuilder.Entity<ModelVersion>().HasOne<Blob>().WithOne().HasForeignKey<ModelVersion>(v => v.Sha256).OnDelete(DeleteBehavior.Restrict);
        modelBuilder.Entity<Dataset>().HasOne<Blob>().WithMany().HasForeignKey(d => d.ArchiveSha256).OnDelete(DeleteBehavior.Restrict);
    }

    private void PrepareChanges()
    {
        foreach (EntityEntry entry in ChangeTracker.Entries().Where(e => e.State == EntityState.Modified))
        {
            switch (entry.Entity)
            {
                case Job job:
                    job.Revision = entry.OriginalValues.GetValue<long>(nameof(Job.Revision)) + 1;
                    break;
                case ModelAlias alias:
                    alias.Revision = entry.OriginalValues.GetValue<long>(nameof(ModelAlias.Revision)) + 1;
                    break;
                case WebhookDelivery delivery:
                    delivery.Revision = entry.OriginalValues.GetValue<long>(nameof(WebhookDelivery.Revision)) + 1;
                    break;
                case ModelVersion version:
                    throw new InvalidOperationException($"Model version {version.Id} cannot be changed.");
            }
        }
    }

    private sealed class UnixMilliseconds() : ValueConverter<DateTimeOffset, long>(time => time.ToUnixTimeMilliseconds(), number => DateTimeOffset.FromUnixTimeMilliseconds(number));
}
