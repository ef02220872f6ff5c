using DenoiseService.Model;

namespace DenoiseService.Api.Jobs.Engine;

/// <summary>A real thread for the work of a job: it blocks, and libtorch's scopes and settings belong to threads.</summary>
internal static class JobThread
{
    /// <summary>Ends, or throws, with the work.</summary>
    public static async Task RunAsync(int threads, Action work)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(() =>
        {
            try
            {
                LibtorchThreads.Use(threads); // serving keeps its own
                work();
                done.SetResult();
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        }) { Name = "job", IsBackground = true };
        thread.Start();
        await done.Task;
    }
}
