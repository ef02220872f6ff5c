using System.Text;
using DenoiseService.Api.Errors;
using DenoiseService.Api.Models;
using DenoiseService.Api.Storage;
using DenoiseService.Model;
using DenoiseService.Training.Data;

namespace DenoiseService.Api.Jobs;

/// <summary>The models that jobs read: named as in every route when a job is sent, and from then on that one version, whatever the name comes to mean.</summary>
internal sealed class JobModels(ModelRegistry registry, BlobStore blobs)
{
    /// <summary>The version that a reference means now.</summary>
    /// <exception cref="ApiException">422: it means none.</exception>
    public async Task<ModelVersion> PinAsync(string field, string reference, CancellationToken cancellationToken) =>
        await FindAsync(reference, cancellationToken) ?? throw JobJson.Invalid(field, $"No model is called {Excerpt.Of(reference)}.");

    /// <summary>Whether a version is still there.</summary>
    public async Task<bool> HasAsync(string id, CancellationToken cancellationToken) => await FindAsync(id, cancellationToken) is not null;

    /// <summary>Writes a version into the folder, its card beside it.</summary>
    /// <returns>The path of the weights.</returns>
    /// <exception cref="DataSetException">It is gone.</exception>
    public async Task<string> ResolveAsync(string id, string folder, CancellationToken cancellationToken)
    {
        ModelVersion version = await FindAsync(id, cancellationToken) ?? throw new DataSetException($"Model {id} is gone.");
        string path = Path.Combine(folder, "model", $"{version.Name}.safetensors");
        AtomicFile.Write(path, await blobs.ReadAsync(version.Sha256, cancellationToken));
        AtomicFile.Write(Checkpoint.CardPath(path), Encoding.UTF8.GetBytes(version.Card));
        return path;
    }

    private async Task<ModelVersion?> FindAsync(string reference, CancellationToken cancellationToken)
    {
        try
        {
            return await registry.FindAsync(reference, cancellationToken);
        }
        catch (ApiException e) when (e.Kind == ProblemKind.UnknownModel)
        {
            return null;
        }
    }
}
