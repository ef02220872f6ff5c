namespace DenoiseService.Api.Storage;

/// <summary>Names of new records.</summary>
internal static class Ids
{
    /// <summary>32 hex digits (UUID version 7): unique everywhere, and in the order of their milliseconds when sorted as text.</summary>
    public static string New(TimeProvider time) => At(time.GetUtcNow());

    /// <summary>The same for a given time.</summary>
    public static string At(DateTimeOffset time) => Guid.CreateVersion7(time).ToString("N");
}
