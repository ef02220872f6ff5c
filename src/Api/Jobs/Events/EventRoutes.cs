using System.Globalization;
using System.Text;
using DenoiseService.Api.Access;
using DenoiseService.Api.Errors;
using DenoiseService.Api.OpenApi;
using DenoiseService.Api.Storage;

namespace DenoiseService.Api.Jobs.Events;

/// <summary>What happens in a job: as a list, or as server-sent events until the job ends or the caller may no longer see them.</summary>
internal static class EventRoutes
{
    private const string Stream = "text/event-stream";
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(15), LookEvery = TimeSpan.FromMilliseconds(250);

    public static RouteGroupBuilder MapJobEvents(this RouteGroupBuilder group)
    {
        group.MapGet("/jobs/{id}/events", Events).WithName("getJobEvents").WithSummary("Shows what happened in a job, or streams it")
            .WithDescription("With `Accept: text/event-stream` every event is sent as it comes, with its id, until the job ends or the key is no longer good; `Last-Event-ID` replays from the stored log, and a comment every 15 s keeps the connection open. Else a list of at most 500 events after `after`.")
            .Produces<JobEventPage>().Produces<string>(200, Stream).WithAnswer(200, "Events in their order.").Problems(ProblemKind.InvalidParameter, ProblemKind.UnknownJob);
        return group;
    }

    private static async Task Events(string id, HttpContext context, AccessGate gate, JobStore jobs, IHostApplicationLifetime lifetime, TimeProvider time, long after = 0, [Microsoft.AspNetCore.Mvc.FromHeader(Name = "Last-Event-ID")] string? lastEventId = null)
    {
        if (!string.IsNullOrEmpty(lastEventId) && !long.TryParse(lastEventId, NumberStyles.None, CultureInfo.InvariantCulture, out after)) throw new ApiException(ProblemKind.InvalidParameter, "Last-Event-ID must be the id of an event.") { Parameter = "Last-Event-ID" };
        bool stream = context.Request.GetTypedHeaders().Accept.Any(a => a.MediaType.Equals(Stream, StringComparison.OrdinalIgnoreCase));
        if (!stream)
        {
            Job job = await jobs.GetAsync(id, context.RequestAborted);
            await context.Response.WriteAsJsonAsync(new JobEventPage([.. (await jobs.EventsAsync(id, after, types: null, context.RequestAborted)).Select(InfoOf)], job.State), context.RequestAborted);
            return;
        }

        await jobs.GetAsync(id, context.RequestAborted);
        context.Response.ContentType = Stream;
        context.Response.Headers.CacheControl = "no-cache";
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
        try
        {
            await SendAsync(id, context, gate, jobs, time, after, end.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or ApiException)
        {
            // The client went, its key is no longer good, the service stops, or the job was deleted: the client connects again and learns which.
        }
    }

    private static async Task SendAsync(string id, HttpContext context, AccessGate gate, JobStore jobs, TimeProvider time, long after, CancellationToken cancellationToken)
    {
        HttpResponse response = context.Response;
        await response.WriteAsync(": hello\n\n", cancellationToken);
        await response.Body.FlushAsync(cancellationToken);
        long sent = time.GetTimestamp();
        while (true)
        {
            // A job may outlast a key.
            await gate.AdmitAsync(context, cancellationToken);
            // State first: an end that is seen here has its events stored already.
            Job job = await jobs.GetAsync(id, cancellationToken);
            List<JobEvent> news = await jobs.EventsAsync(id, after, types: null, cancellationToken);
            foreach (JobEvent e in news)
            {
                after = e.Sequence;
                await response.WriteAsync(string.Create(CultureInfo.InvariantCulture, $"id: {e.Sequence}\nevent: {e.Type}\ndata: {e.Data}\n\n"), Encoding.UTF8, cancellationToken);
            }

            if (news.Count == 0 && job.State.IsFinal()) return;
            if (news.Count == 0 && time.GetElapsedTime(sent) >= Heartbeat) await response.WriteAsync(": heartbeat\n\n", cancellationToken);
            if (news.Count > 0 || time.GetElapsedTime(sent) >= Heartbeat)
            {
                await response.Body.FlushAsync(cancellationToken);
                sent = time.GetTimestamp();
            }

            if (news.Count < JobStore.EventPage && !job.State.IsFinal()) await Task.Delay(LookEvery, time, cancellationToken);
        }
    }

    private static JobEventInfo InfoOf(JobEvent e) => new(e.Sequence, e.At, e.Type, JobInfo.Object(e.Data)!);
}
