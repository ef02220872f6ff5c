using DenoiseService.Api.Jobs;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Storage;

/// <summary>A data folder that cannot be made or written to is a wrong setting, and stops the start as one.</summary>
internal sealed class DataFolderCheck(IOptions<RolesOptions> roles) : IValidateOptions<StorageOptions>
{
    public ValidateOptionsResult Validate(string? name, StorageOptions options)
    {
        // Only what the other checks let pass. With a database server a worker's jobs and unpacked data sets still live there; who only answers may have a read-only disk.
        if (options.Provider != StorageOptions.Sqlite && !roles.Value.Worker) return ValidateOptionsResult.Skip;
        if (string.IsNullOrWhiteSpace(options.DataFolder)) return ValidateOptionsResult.Skip;
        try
        {
            // Keys' hashes and people's pictures: for the service's user alone.
            if (OperatingSystem.IsWindows()) Directory.CreateDirectory(options.Folder);
            else Directory.CreateDirectory(options.Folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            string trial = Path.Combine(options.Folder, $".{Guid.NewGuid():N}.tmp");
            using var file = new FileStream(trial, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose);
            return ValidateOptionsResult.Success;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            return ValidateOptionsResult.Fail($"{StorageOptions.Section}:{nameof(StorageOptions.DataFolder)}: cannot be made or written to.");
        }
    }
}
