namespace DenoiseService.Api.Errors;

/// <summary>One kind of refusal or failure: clients branch on its type, people read its title.</summary>
/// <param name="Name">The end of the type URI; never changes once published.</param>
/// <param name="Status">HTTP status.</param>
/// <param name="Title">The same for every occurrence.</param>
internal sealed record ProblemKind(string Name, int Status, string Title)
{
    /// <summary>The stable type URI.</summary>
    public string Type => TypePrefix + Name;

    private const string TypePrefix = "urn:denoise:problem:";

    public static readonly ProblemKind InvalidParameter = new("invalid-parameter", 400, "A parameter is out of range");
    public static readonly ProblemKind InvalidUpload = new("invalid-upload", 400, "The request does not carry exactly one picture");
    public static readonly ProblemKind InvalidCheckpointUpload = new("invalid-checkpoint-upload", 400, "The request does not carry a checkpoint");
    public static readonly ProblemKind BadRequest = new("bad-request", 400, "The request is malformed");
    public static readonly ProblemKind KeyRequired = new("key-required", 401, "A key is needed");
    public static readonly ProblemKind InvalidKey = new("invalid-key", 401, "The key is not valid");
    public static readonly ProblemKind ScopeMissing = new("scope-missing", 403, "The key may not do this");
    public static readonly ProblemKind LocalOnly = new("local-only", 403, "The service answers only its own machine");
    public static readonly ProblemKind NotFound = new("not-found", 404, "There is nothing at this address");
    public static readonly ProblemKind UnknownModel = new("unknown-model", 404, "There is no such model");
    public static readonly ProblemKind UnknownKey = new("unknown-key", 404, "There is no such key");
    public static readonly ProblemKind UnknownJob = new("unknown-job", 404, "There is no such job");
    public static readonly ProblemKind UnknownArtifact = new("unknown-artifact", 404, "The job has no such artifact");
    public static readonly ProblemKind UnknownDataset = new("unknown-dataset", 404, "There is no such data set");
    public static readonly ProblemKind UnknownWebhook = new("unknown-webhook", 404, "There is no such webhook");
    public static readonly ProblemKind MethodNotAllowed = new("method-not-allowed", 405, "This address does not take this method");
    public static readonly ProblemKind NotAcceptable = new("not-acceptable", 406, "The answer cannot be given in an accepted media type");
    public static readonly ProblemKind RequestTimeout = new("request-timeout", 408, "The request arrived too slowly");
    public static readonly ProblemKind AdminKeyNeeded = new("admin-key-needed", 409, "There must be an admin key");
    public static readonly ProblemKind ModelInUse = new("model-in-use", 409, "The model version is needed");
    public static readonly ProblemKind NoPreviousModel = new("no-previous-model", 409, "There is no previous model");
    public static readonly ProblemKind JobState = new("job-state", 409, "The job's state does not allow this");
    public static readonly ProblemKind KeyInFlight = new("idempotency-key-in-flight", 409, "A request with this Idempotency-Key is being answered");
    public static readonly ProblemKind DatasetExists = new("dataset-exists", 409, "A data set of this name exists");
    public static readonly ProblemKind DatasetInUse = new("dataset-in-use", 409, "The data set is in use");
    public static readonly ProblemKind TooManyWebhooks = new("too-many-webhooks", 409, "There are as many webhooks as may be");
    public static readonly ProblemKind WebhookDisabled = new("webhook-disabled", 409, "The webhook is disabled");
    public static readonly ProblemKind TooLarge = new("too-large", 413, "The request is above a limit");
    public static readonly ProblemKind CheckpointTooLarge = new("checkpoint-too-large", 413, "The checkpoint is above a limit");
    public static readonly ProblemKind UnsupportedImage = new("unsupported-image", 415, "The content is no picture that is read here");
    public static readonly ProblemKind UnsupportedMediaType = new("unsupported-media-type", 415, "The body's media type is not taken here");
    public static readonly ProblemKind KeyReused = new("idempotency-key-reused", 422, "The Idempotency-Key belongs to another request");
    public static readonly ProblemKind InvalidField = new("invalid-field", 422, "A field of the request is out of range");
    public static readonly ProblemKind InvalidArchive = new("invalid-archive", 422, "The archive cannot be taken");
    public static readonly ProblemKind CorruptImage = new("corrupt-image", 422, "The picture is truncated or damaged");
    public static readonly ProblemKind ModelRefused = new("model-refused", 422, "The model cannot be used");
    public static readonly ProblemKind GateRefused = new("gate-refused", 422, "The quality gate refuses the model");
    public static readonly ProblemKind QueueFull = new("queue-full", 429, "The queue is full");
    public static readonly ProblemKind RateLimited = new("rate-limited", 429, "The rate limit is reached");
    public static readonly ProblemKind ClientClosed = new("client-closed-request", 499, "The client went away");
    public static readonly ProblemKind Internal = new("internal", 500, "The service failed");
    public static readonly ProblemKind InferenceFailed = new("inference-failed", 500, "The model failed on this batch");
    public static readonly ProblemKind StoredDataDamaged = new("stored-data-damaged", 500, "What was stored is damaged");
    public static readonly ProblemKind NotReady = new("not-ready", 503, "The service is not ready");
    public static readonly ProblemKind StorageUnavailable = new("storage-unavailable", 503, "The database cannot be reached");
    public static readonly ProblemKind Draining = new("draining", 503, "The service is shutting down");
    public static readonly ProblemKind DeadlineExceeded = new("deadline-exceeded", 504, "The time limit has passed");

    /// <summary>What an answer with a bare status means: the framework's own refusals.</summary>
    public static ProblemKind OfStatus(int status) => status switch
    {
        404 => NotFound,
        405 => MethodNotAllowed,
        406 => NotAcceptable,
        408 => RequestTimeout,
        413 => TooLarge,
        415 => UnsupportedMediaType,
        >= 500 => Internal,
        _ => BadRequest with { Status = status },
    };
}
