using DenoiseService.Api.Errors;
using DenoiseService.Api.Serving;
using DenoiseService.Api.Storage;

namespace DenoiseService.Api.Models;

/// <summary>The model that a request asks for.</summary>
internal sealed class ModelAccess(ModelRegistry registry, LoadedModels loaded, ModelStatus status)
{
    /// <summary>A hold on it. The champion answers from memory, whatever the database does; others are looked up, and loaded if they are not.</summary>
    /// <param name="reference">As <see cref="ModelRegistry.FindAsync(string, CancellationToken)"/>; null asks for the champion.</param>
    /// <param name="cancellationToken">The request's.</param>
    /// <exception cref="ApiException">404 if there is none, 503 if it is not ready or cannot be used.</exception>
    public async Task<ModelLease> LeaseAsync(string? reference, CancellationToken cancellationToken)
    {
        if (reference is null or ModelNames.Champion) return loaded.LeaseChampion() ?? throw new ApiException(ProblemKind.NotReady, status.Problem ?? "The champion is still loading.");
        ModelVersion version = await registry.FindAsync(reference, cancellationToken);
        try
        {
            return await loaded.LeaseAsync(version, cancellationToken);
        }
        catch (ModelLoadException e)
        {
            throw new ApiException(ProblemKind.NotReady, $"Model {version.Name} (version {version.Id}) was refused: {e.Message}") { Parameter = "model" };
        }
    }
}
