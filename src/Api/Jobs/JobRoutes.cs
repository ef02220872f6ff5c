using DenoiseService.Api.Errors;
using DenoiseService.Api.OpenApi;
using DenoiseService.Api.Storage;
using DenoiseService.Training;
using DenoiseService.Training.Experiments;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace DenoiseService.Api.Jobs;

/// <summary>Asking for jobs, stopping them, resuming them.</summary>
internal static class JobRoutes
{
    private const string Once = " With an `Idempotency-Key` the same request makes one job, however often it is sent.";

    public static RouteGroupBuilder MapJobSubmissions(this RouteGroupBuilder group)
    {
        Submit<Recipe>(group, "training", JobKind.Training, "Trains a network", "The body is a recipe; `path` in `data` and `validation` is the name of a data set. Ends in a model version, which can be promoted. Absent values are the paper's; an absent `seed` is made and returned.");
        Submit<AblationSettings>(group, "ablation", JobKind.Ablation, "Trains and compares the network's variants", "Which part of the network earns its place: every variant on the same data, recipe, noise and seeds. Ends in report.md, results.csv, results.json and figures. Without ranges the archive is split by its size.");
        Submit<RobustnessSettings>(group, "robustness", JobKind.Robustness, "Compares training at one noise level with training at many", "Ends in report.md, results.csv, results.json and a figure. Without ranges the archive is split by its size.");
        Submit<ScalingSettings>(group, "scaling", JobKind.Scaling, "Measures what attention costs as pictures grow", "FLOPs, seconds and memory of full and sparse attention over the side of the picture. Ends in a report with figures.");
        Submit<RoutingStudySettings>(group, "routing", JobKind.RoutingStudy, "Studies where a network sends its compute", "`checkpoint` is a model by alias, id, name or name@checksum, `data` names data sets. Ends in a report with maps and tests.");
        Submit<EvaluationJobRequest>(group, "evaluation", JobKind.Evaluation, "Measures a model on pictures", "PSNR and SSIM at the asked noise levels, with a seed for each picture; clamping and channels are stated in the report.");
        return group;
    }

    public static RouteGroupBuilder MapJobControl(this RouteGroupBuilder group)
    {
        group.MapPost("/jobs/{id}/cancel", Cancel).WithName("cancelJob").WithSummary("Cancels a job").WithDescription("Queued: it never starts. Running: it stops at its next step, keeps its checkpoints and registers no model version.")
            .WithAnswer(202, "The job, cancelled or about to be.").Problems(ProblemKind.UnknownJob, ProblemKind.JobState);
        group.MapPost("/jobs/{id}/resume", Resume).WithName("resumeJob").WithSummary("Has a job go on").WithDescription("An interrupted job goes on at once under its own id. A failed or cancelled one is final: the answer is a new job with `parentId`, which goes on from its last checkpoint, or from its beginning if it has none.")
            .WithAnswer(202, "The job that goes on.").Problems(ProblemKind.UnknownJob, ProblemKind.JobState);
        return group;
    }

    private static void Submit<T>(RouteGroupBuilder group, string name, JobKind kind, string summary, string description) where T : notnull =>
        group.MapPost($"/{name}-jobs", (HttpContext context, JobSubmission submission, [FromHeader(Name = "Idempotency-Key")] string? key) => Accept(kind, context, submission, key))
            .WithName($"create{char.ToUpperInvariant(name[0])}{name[1..]}Job").WithSummary(summary).WithDescription(description + Once).Accepts<T>("application/json")
            .WithAnswer(202, "The job is stored and will run; Location is its address.").Problems(ProblemKind.BadRequest, ProblemKind.InvalidParameter, ProblemKind.KeyInFlight, ProblemKind.TooLarge, ProblemKind.UnsupportedMediaType, ProblemKind.InvalidField, ProblemKind.KeyReused);

    private static async Task<Accepted<JobInfo>> Accept(JobKind kind, HttpContext context, JobSubmission submission, string? key)
    {
        (Job job, bool repeated) = await submission.SubmitAsync(kind, context.Request, key, context.RequestAborted);
        if (repeated) context.Response.Headers["Idempotency-Replayed"] = "true";
        return TypedResults.Accepted($"/v1/jobs/{job.Id}", JobInfo.Of(job));
    }

    private static async Task<Accepted<JobInfo>> Cancel(string id, JobControl control, CancellationToken cancellationToken) => TypedResults.Accepted($"/v1/jobs/{id}", JobInfo.Of(await control.CancelAsync(id, cancellationToken)));

    private static async Task<Accepted<JobInfo>> Resume(string id, JobControl control, CancellationToken cancellationToken)
    {
        Job job = await control.ResumeAsync(id, cancellationToken);
        return TypedResults.Accepted($"/v1/jobs/{job.Id}", JobInfo.Of(job));
    }
}
