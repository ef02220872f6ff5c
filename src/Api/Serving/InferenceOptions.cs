using DenoiseService.Api.Settings;
using DenoiseService.Model;

namespace DenoiseService.Api.Serving;

/// <summary>How the models are run. A patch is one token of one tile: a picture of one megapixel takes about 70,000 of them with the default overlap.</summary>
internal sealed class InferenceOptions
{
    /// <summary>The section of the settings.</summary>
    public const string Section = "Inference";

    /// <summary>Threads that run the network. 1 to 1024; default the processor's count.</summary>
    [Bounds(1, 1024)]
    public int Threads { get; set; } = Environment.ProcessorCount;

    /// <summary>Numbers that networks compute with, where their form allows it: Float32 or BFloat16. Default: BFloat16 where the processor has such products, otherwise Float32.</summary>
    public Precision? Precision { get; set; }

    /// <summary>Pixels that neighbouring tiles share. 0 to 512 and below the model's tile; default 8.</summary>
    [Bounds(0, 512)]
    public int Overlap { get; set; } = 8;

    /// <summary>
    /// Patches that one batch holds at most; larger batches are not much faster and let new requests wait longer. 1 to 1,048,576; default 10,368, two tiles of 288 × 288 pixels,
    /// for each of the processor's cores, at least 8,192.
    /// </summary>
    [Bounds(1, 1 << 20)]
    public int MaxBatchPatches { get; set; } = (int)Math.Clamp(10_368L * Environment.ProcessorCount, 8192, 1 << 20);

    /// <summary>Patches of all admitted requests together; a request above it alone is taken when nothing else waits. 1 to 2,000,000,000; default 8,000,000.</summary>
    [Bounds(1, 2_000_000_000)]
    public long MaxQueuedPatches { get; set; } = 8_000_000;

    /// <summary>Bytes of the bodies of all requests together and of the answers that are there, until these have been sent; while a body is read it counts with its announced length, without one with Images:MaxBytes. One above it alone is taken when there is no other. In memory a body may take three times its size for a moment while it is read; one in a form four times, and twice until it is answered; an answer twice while it is sent, pictures in JSON four times. 1,024 to 68,719,476,736; default 1,073,741,824 (1 GiB).</summary>
    [Bounds(1024, 1L << 36)]
    public long MaxQueuedBytes { get; set; } = 1 << 30;

    /// <summary>Requests at one time, each from the first byte of its body until its answer has been sent; one above it is refused at once. 1 to 100,000; default 64.</summary>
    [Bounds(1, 100_000)]
    public int MaxQueuedRequests { get; set; } = 64;

    /// <summary>Seconds from a request's arrival to its answer; X-Request-Timeout-Ms may only lower it. Sending the answer may take as long again, then the connection is cut. 0.01 to 86,400; default 300.</summary>
    [Bounds(0.01, 86_400)]
    public double RequestTimeoutSeconds { get; set; } = 300;

    /// <summary>Seconds that the service still takes requests after the stop signal while it already says "not ready": what a load balancer needs to notice. 0 to 3,600; default 0.</summary>
    [Bounds(0, 3600)]
    public double DrainSeconds { get; set; }

    /// <summary>Seconds that the admitted requests get to finish after that. 0 to 3,600; default 60.</summary>
    [Bounds(0, 3600)]
    public double FinishSeconds { get; set; } = 60;

    /// <summary>For the engine, as far as the network's form allows: who loads a network and who only asks whether it could be loaded mean the same.</summary>
    public DenoiserOptions ToDenoiserOptions(ModelConfig network) => new()
    {
        Threads = Threads,
        Overlap = Math.Min(Overlap, network.TileSide - 1),
        Precision = Precision is not { } asked ? Precisions.Fastest(network) : network.Allows(asked) ? asked : DenoiseService.Model.Precision.Float32,
    };
}
