using DenoiseService.Model;

namespace DenoiseService.Api.Serving;

/// <summary>A model that is loaded, checked and warm. Its network is run by <see cref="ModelWorker"/>'s thread alone; the planning of tiles is safe anywhere.</summary>
/// <param name="Id">The name of its file.</param>
/// <param name="Card">What stands beside the weights.</param>
/// <param name="Denoiser">Runs the network.</param>
internal sealed record ServedModel(string Id, CheckpointCard Card, Denoiser Denoiser)
{
    /// <summary>Id and the beginning of the weights' checksum, as in the header X-Model-Version.</summary>
    public string Version { get; } = $"{Id}@{Card.Sha256[..12]}";

    /// <summary>What a picture costs, in patches: tiles × tokens of a tile.</summary>
    public long CostOf(int height, int width) => Denoiser.PatchesOf(height, width);

    /// <summary>
    /// Runs a plain picture. After a failure it tells whether that lay in the pictures or in the network; without it, not being ready would keep away the
    /// requests that could show recovery. The worker's thread calls it.
    /// </summary>
    public bool StillWorks()
    {
        try
        {
            const int side = 32;
            Denoiser.Denoise(Enumerable.Repeat(0.5f, side * side).ToArray(), side, side);
            return true;
        }
        catch (Exception)
        {
            return false;
        }
    }
}
