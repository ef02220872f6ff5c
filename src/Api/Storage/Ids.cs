namespace DenoiseService.Api.Storage;

/// <summary>Names of new records.</summary>
internal static class Ids
{
    /// <summary>32 hex digits (UUID version 7): unique everywhere, and in the order of their milliseconds when sorted as text.</summary>
    public static string New(TimeProvider time) => New(time.GetUtcNow());

    /// <inheritdoc cref="New(TimeProvider)"/>
    public static string New(DateTimeOffset now) => Guid.CreateVersion7(now).ToString("N");
}
