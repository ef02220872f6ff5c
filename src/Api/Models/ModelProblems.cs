using DenoiseService.Api.Errors;

namespace DenoiseService.Api.Models;

/// <summary>Refusals of the routes, by example, for the document.</summary>
internal static class ModelProblems
{
    private const string Id = "019ab6a0c2f1748d9b6d1d6f2c3e4a5b";

    public static ApiException Unknown { get; } = new(ProblemKind.UnknownModel, "No model is called so: it is neither an alias, nor an id, nor a name.") { Parameter = "model", Actual = "denoise-huge" };

    public static ApiException StorageAway { get; } = new(ProblemKind.StorageUnavailable, "The database is away or busy; try again.");

    public static ApiException Damaged { get; } = new(ProblemKind.StoredDataDamaged, $"The weights of version {Id} cannot be given. The stored bytes are damaged.");

    public static ApiException NoCheckpoint { get; } = new(ProblemKind.InvalidCheckpointUpload, "The form has no file part named weights. A file part has a file name (curl: -F weights=@model.safetensors).");

    public static ApiException BadName { get; } = new(ProblemKind.InvalidParameter, "name must be 1 to 100 letters, digits, dots, dashes and underscores, and none of the aliases; absent, the weights' file name counts.") { Parameter = "name", Actual = "champion" };

    public static ApiException TooLarge { get; } = new(ProblemKind.CheckpointTooLarge, "The checkpoint has more than 67108864 bytes.") { Parameter = "bytes", Limit = 67108864, Actual = 90000000 };

    public static ApiException Refused { get; } = new(ProblemKind.ModelRefused, "mine.safetensors lacks tensor blocks.0.norm1.weight (and 3 more).");

    public static ApiException InUse { get; } = new(ProblemKind.ModelInUse, $"Version {Id} cannot be deleted. It is previous.") { Parameter = "id", Limit = "no alias, not served", Actual = "previous" };

    public static ApiException BadAlias { get; } = new(ProblemKind.InvalidParameter, "alias is best; it must be champion or candidate.") { Parameter = "alias", Limit = "champion or candidate", Actual = "best" };

    public static ApiException BadReason { get; } = new(ProblemKind.InvalidParameter, "reason has 900 characters; it may have 500.") { Parameter = "reason", Limit = 500, Actual = 900 };

    public static ApiException Gate { get; } = new(ProblemKind.GateRefused, $"Model mine (version {Id}) may not become champion: psnr is 29.8; it must be at least 30 (Models:GateLeast). Only force with a reason gets past this.") { Parameter = "psnr", Limit = 30, Actual = 29.8 };

    public static ApiException NoPrevious { get; } = new(ProblemKind.NoPreviousModel, "There was no champion before this one.") { Parameter = "previous" };
}
