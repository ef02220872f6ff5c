using DenoiseService.Api.Routing;

namespace DenoiseService.Api.Denoising;

/// <summary>The clean picture together with its routing map, from the same pass.</summary>
/// <param name="Image">The encoded picture, base64.</param>
/// <param name="MediaType" example="image/png">Of the picture.</param>
/// <param name="ModelVersion" example="denoise-small@3f1c2b9d8e07">As in the header X-Model-Version.</param>
/// <param name="Routing">Where the network spent its compute.</param>
/// <param name="Timings">Milliseconds of decode, queue, device, encode, report and in total.</param>
public sealed record DenoisedWithRouting(byte[] Image, string MediaType, string ModelVersion, RoutingReport Routing, IReadOnlyDictionary<string, double> Timings);
