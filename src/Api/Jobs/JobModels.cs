using DenoiseService.Api.Models;
using DenoiseService.Api.Storage;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Jobs;

/// <summary>The models that jobs read: versions of the database by id, or files of the models folder by name.</summary>
internal sealed class JobModels(IDbContextFactory<Store> stores, BlobStore blobs, IOptions<ModelsOptions> options)
{
    /// <exception cref="Errors.ApiException">422: there is none of this name.</exception>
    public async Task CheckAsync(string name, CancellationToken cancellationToken)
    {
        if (FileOf(name) is null && await VersionAsync(name, cancellationToken) is null) throw JobJson.Invalid("checkpoint", $"No model is called {name}.");
    }

    /// <summary>The path of the weights, with their card beside them; a version of the database is written to the folder first.</summary>
    /// <exception cref="Training.Data.DataSetException">It is gone.</exception>
    public async Task<string> ResolveAsync(string name, string folder, CancellationToken cancellationToken)
    {
        if (FileOf(name) is { } file) return file;
        ModelVersion version = await VersionAsync(name, cancellationToken) ?? throw new Training.Data.DataSetException($"No model is called {name}.");
        string path = Path.Combine(folder, "model", $"{version.Name}.safetensors");
        Model.AtomicFile.Write(path, await blobs.ReadAsync(version.Sha256, cancellationToken));
        Model.AtomicFile.Write(Model.Checkpoint.CardPath(path), System.Text.Encoding.UTF8.GetBytes(version.Card));
        return path;
    }

    private string? FileOf(string name)
    {
        // Of what is in the folder, never a path that was sent.
        string folder = Path.GetFullPath(options.Value.Folder, AppContext.BaseDirectory);
        return Directory.Exists(folder) ? Directory.GetFiles(folder, "*.safetensors").FirstOrDefault(f => Path.GetFileNameWithoutExtension(f) == name) : null;
    }

    private async Task<ModelVersion?> VersionAsync(string id, CancellationToken cancellationToken)
    {
        await using Store store = stores.CreateDbContext();
        return await store.ModelVersions.AsNoTracking().SingleOrDefaultAsync(v => v.Id == id, cancellationToken);
    }
}
