using System.Text.Json;
using System.Text.RegularExpressions;
using DenoiseService.Api.Errors;
using DenoiseService.Api.Jobs;
using DenoiseService.Api.Storage;
using DenoiseService.Imaging;
using DenoiseService.Training.Data;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Datasets;

/// <summary>Takes an archive in: to a temporary file, read with limits, stored anew with its good pictures only.</summary>
internal sealed partial class DatasetUpload(IDbContextFactory<Store> stores, BlobStore blobs, DatasetCatalog catalog, IOptions<DatasetsOptions> options, IOptions<Pictures.ImageOptions> images, IOptions<StorageOptions> storage, TimeProvider time)
{
    /// <summary>Of a picture: what the service takes and a training reads. A job must not fail for what was accepted here.</summary>
    private DecodeLimits Limits
    {
        get
        {
            DecodeLimits ours = images.Value.ToLimits(), theirs = PhotographFolder.Limits;
            return new DecodeLimits(
                Math.Min(ours.MaxBytes, theirs.MaxBytes), Math.Min(ours.MaxMegapixels, theirs.MaxMegapixels), Math.Min(ours.MaxFrames, theirs.MaxFrames), Math.Min(ours.MaxSide, theirs.MaxSide));
        }
    }

    /// <exception cref="ApiException">400, 409, 413 or 422.</exception>
    public async Task<DatasetInfo> TakeAsync(string name, HttpRequest request, CancellationToken cancellationToken)
    {
        if (!Name().IsMatch(name)) throw new ApiException(ProblemKind.InvalidParameter, "name must be 1 to 64 lower-case letters, digits, dashes and underscores.") { Parameter = "name" };
        await using (Store store = stores.CreateDbContext())
        {
            if (DatasetCatalog.BuiltIn.Contains(name) || await store.Datasets.AnyAsync(d => d.Name == name, cancellationToken)) throw Exists(name);
        }

        await using FileStream sent = Temporary(), kept = Temporary();
        await ReceiveAsync(request, sent, cancellationToken);
        ArchiveContent content = await Task.Run(() => new ArchiveReader(options.Value, Limits).Copy(sent, kept, cancellationToken), cancellationToken);
        (string sha256, _) = await blobs.PutAsync(kept, cancellationToken);
        await using (Store store = stores.CreateDbContext())
        {
            store.Datasets.Add(new Dataset
            {
                Id = Ids.New(time), Name = name, PictureCount = content.Pictures, Bytes = content.Bytes, Sha256 = content.Sha256, ArchiveSha256 = sha256,
                Report = JsonSerializer.Serialize(content.Files, JobJson.Options), CreatedAt = time.GetUtcNow(),
            });
            try
            {
                await store.SaveChangesAsync(cancellationToken);
            }
            catch (DbUpdateException e) when (StorageErrors.IsDuplicate(e))
            {
                throw Exists(name);
            }
        }

        return await catalog.GetAsync(name, cancellationToken);
    }

    private async Task ReceiveAsync(HttpRequest request, FileStream target, CancellationToken cancellationToken)
    {
        long most = options.Value.MaxBytes;
        if (request.ContentLength > most) throw TooLarge(request.ContentLength.Value);
        if (request.HttpContext.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = most;
        byte[] chunk = new byte[64 << 10];
        for (int read; (read = await request.Body.ReadAsync(chunk, cancellationToken)) > 0;)
        {
            if (target.Length + read > most) throw TooLarge(target.Length + read);
            await target.WriteAsync(chunk.AsMemory(0, read), cancellationToken);
        }

        await target.FlushAsync(cancellationToken);

        ApiException TooLarge(long actual) => new(ProblemKind.TooLarge, $"The archive has {actual} bytes or more; allowed are {most}.") { Parameter = "bytes", Limit = most, Actual = actual };
    }

    private FileStream Temporary()
    {
        string folder = Path.Combine(storage.Value.Folder, "uploads");
        Directory.CreateDirectory(folder);
        return new FileStream(Path.Combine(folder, $"{Guid.NewGuid():N}.tmp"), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1 << 16, FileOptions.DeleteOnClose);
    }

    private static ApiException Exists(string name) => new(ProblemKind.DatasetExists, "A data set of this name exists; delete it first, or choose another name.") { Parameter = "name", Actual = name };

    // Becomes the name of a folder.
    [GeneratedRegex(@"\A[a-z0-9][a-z0-9_-]{0,63}\z")]
    private static partial Regex Name();
}
