namespace DenoiseService.Api.Jobs.Engine;

/// <summary>Why a worker lets go of its job.</summary>
internal enum StopReason
{
    /// <summary>It does not.</summary>
    None,

    /// <summary>Somebody cancelled the job.</summary>
    Cancelled,

    /// <summary>The service shuts down.</summary>
    Draining,

    /// <summary>Another worker may have it by now.</summary>
    Lost,
}

/// <summary>Another worker has the job.</summary>
internal sealed class LeaseLostException() : Exception("The lease of this job is another worker's.");
