using DenoiseService.Api.Storage;

namespace DenoiseService.Api.Tests.Storage;

/// <summary>Records to store.</summary>
internal static class Records
{
    public static readonly DateTimeOffset Noon = new(2026, 1, 2, 12, 0, 0, 123, TimeSpan.Zero);

    public static Job Job(string id = "job", string? idempotencyKey = null, string owner = "") =>
        new() { Id = id, Kind = JobKind.Training, Request = "{}", Owner = owner, IdempotencyKey = idempotencyKey, CreatedAt = Noon, UpdatedAt = Noon };

    public static ModelVersion Version(string sha256, string id = "version") =>
        new() { Id = id, Name = "small", Sha256 = sha256, Length = 3, Config = "{}", Card = "{}", Parameters = 7, CreatedAt = Noon };

    public static ApiKey Key(string id = "key", byte first = 1) =>
        new() { Id = id, Name = "phone", Prefix = "dn_abc", Hash = [first, .. new byte[31]], Scopes = KeyScopes.Inference | KeyScopes.Read, CreatedAt = Noon, ExpiresAt = Noon.AddDays(1) };

    public static Dataset Dataset(string sha256, string id = "set", string name = "birds") =>
        new() { Id = id, Name = name, PictureCount = 2, Bytes = 30, Sha256 = new string('d', 64), ArchiveSha256 = sha256, Report = "[]", CreatedAt = Noon };

    public static JobArtifact Artifact(string sha256, string id = "artifact", string name = "curve.csv") =>
        new() { Id = id, JobId = "job", Name = name, MediaType = "text/csv", Sha256 = sha256, Length = 3, CreatedAt = Noon };

    public static JobCheckpoint Checkpoint(string sha256, long step = 100) => new() { JobId = "job", Step = step, Sha256 = sha256, Length = 3, Metrics = "{\"loss\":0.5}", CreatedAt = Noon };

    public static Webhook Webhook(string id = "hook") => new() { Id = id, Url = "https://example.org/hook", Events = "job.*,model.promoted", Description = "chat", Secret = [1, .. new byte[23]], CreatedAt = Noon };

    public static WebhookDelivery Delivery(string id = "delivery", string webhook = "hook") => new() { Id = id, WebhookId = webhook, Event = "job.failed", Body = "{}", CreatedAt = Noon, NextAttemptAt = Noon };

    public static JobEvent Event(long sequence, string type = "log") => new() { JobId = "job", Sequence = sequence, At = Noon, Type = type, Data = "{}" };
}
