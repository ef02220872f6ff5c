namespace DenoiseService.Api.Health;

/// <summary>A health answer.</summary>
/// <param name="Status" example="ready">live, ready or not-ready.</param>
/// <param name="Reasons">Why not, if not.</param>
/// <param name="Details">What does not keep the service from answering, but should be known: a promoted model that could not be loaded, a shipped one that was refused.</param>
public sealed record HealthReport(string Status, IReadOnlyList<string> Reasons, IReadOnlyList<string> Details);

/// <summary>What is running.</summary>
/// <param name="Product" example="0.1.0">Version of the service.</param>
/// <param name="Commit" example="34797a52b55213a5067ff3daf06697152b3825d8">Of the source, if known at build time.</param>
/// <param name="TorchSharp" example="0.107.0">Version of the .NET binding.</param>
/// <param name="Libtorch" example="2.10.0">Version of the tensor library.</param>
/// <param name="Runtime" example=".NET 10.0.0">Version of the runtime.</param>
public sealed record VersionReport(string Product, string? Commit, string TorchSharp, string Libtorch, string Runtime);
