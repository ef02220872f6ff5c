using DenoiseService.Api.Serving;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Jobs.Engine;

/// <summary>Lets pictures pass before a job's next step, but never holds a step up for longer than the settings allow: jobs slow down under load, they do not stand still.</summary>
internal sealed class InferenceFirst(Admission admission, IOptions<JobsOptions> options, TimeProvider time)
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(2);

    /// <summary>Returns when no picture is waiting or running, after the longest wait, or when the job has to stop. Blocks: for the job's own thread.</summary>
    public void Wait(CancellationToken cancellationToken)
    {
        long started = time.GetTimestamp();
        while (admission.PendingRequests > 0 && time.GetElapsedTime(started).TotalSeconds < options.Value.MaxYieldSeconds)
        {
            if (cancellationToken.WaitHandle.WaitOne(LookEvery)) return;
        }
    }
}
