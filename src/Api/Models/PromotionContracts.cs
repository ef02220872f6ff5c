using System.Text.Json.Serialization;
using DenoiseService.Api.Storage;

namespace DenoiseService.Api.Models;

/// <summary>What a promotion is asked to do.</summary>
/// <param name="Alias" example="champion">champion (the default) or candidate.</param>
/// <param name="Reason" example="0.4 dB better on our test pictures">For the log, at most 500 characters.</param>
/// <param name="By" example="ada">Who does it, at most 100 characters; with a key its id counts instead.</param>
/// <param name="Force">Promote although the quality gate refuses; needs a reason.</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record PromoteRequest(string? Alias = null, string? Reason = null, string? By = null, bool Force = false);

/// <summary>What goes into the log with a rollback.</summary>
/// <param name="Reason" example="skies look blotchy">At most 500 characters.</param>
/// <param name="By" example="ada">Who does it, at most 100 characters; with a key its id counts instead.</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record RollbackRequest(string? Reason = null, string? By = null);

/// <summary>Where an alias points now.</summary>
/// <param name="Alias" example="champion">Which.</param>
/// <param name="VersionId" example="019ab6a0c2f1748d9b6d1d6f2c3e4a5b">The version.</param>
/// <param name="Version" example="denoise-small@3f1c2b9d8e07">As in the header X-Model-Version.</param>
/// <param name="FromVersionId">Where it pointed before; null if it is new.</param>
/// <param name="Changed" example="true">False if it pointed there already: then nothing was done.</param>
/// <param name="ServedHere" example="true">Whether the process that answers already serves it as champion; others follow within `Models:PollSeconds` and the time to load.</param>
public sealed record PromotionResult(string Alias, string VersionId, string Version, string? FromVersionId, bool Changed, bool ServedHere);

/// <summary>One line of the log.</summary>
/// <param name="Id">Of the line.</param>
/// <param name="Alias" example="champion">Which alias moved.</param>
/// <param name="FromVersionId">Where it pointed; null if it was new.</param>
/// <param name="ToVersionId">Where it points since; null if it was taken away.</param>
/// <param name="At">When.</param>
/// <param name="By" example="ada">Who or what did it.</param>
/// <param name="Reason">Why, if somebody said.</param>
/// <param name="IsRollback" example="false">Whether it went back to the champion before.</param>
public sealed record PromotionInfo(string Id, string Alias, string? FromVersionId, string? ToVersionId, DateTimeOffset At, string By, string? Reason, bool IsRollback)
{
    internal static PromotionInfo Of(Promotion line) => new(line.Id, line.Alias, line.FromVersionId, line.ToVersionId, line.At, line.By, line.Reason, line.IsRollback);
}

/// <summary>The log, the newest line first.</summary>
/// <param name="Promotions">One page of it.</param>
/// <param name="NextCursor">For `?cursor=`; null on the last page.</param>
public sealed record PromotionLog(IReadOnlyList<PromotionInfo> Promotions, string? NextCursor);
