using DenoiseService.Api.Access;
using DenoiseService.Api.Errors;
using DenoiseService.Api.OpenApi;
using DenoiseService.Api.Storage;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.OpenApi;

namespace DenoiseService.Api.Models;

/// <summary>The routes that change what there is and what answers.</summary>
internal static class ModelChanges
{
    private const int MaxBy = 100;

    private static FormDocs Form { get; } = new(
        [new("weights", "The safetensors file.", Binary), new("card", "Its card: JSON with config, sha256, training, metrics. May be absent for weights of the reference's released form only.", Binary)],
        [new("name", "For people; absent, the weights' file name counts.", () => new OpenApiSchema { Type = JsonSchemaType.String, Pattern = $"^{ModelNames.Pattern}$", Examples = ["mine"] })],
        Required: "weights");

    public static void MapModelChanges(this RouteGroupBuilder group)
    {
        group.MapPost("", Upload).WithName("uploadModel").WithSummary("Uploads a checkpoint")
            .WithDescription("Weights and card as a form. They are verified: checksum, names, shapes, finite values, a finite pass of the network. New ones become a version, and the candidate; weights that are known already give the version that there is (200), and move no alias.")
            .WithMetadata(Form).WithAnswer(201, "The new version; Location says where it is.").WithAnswer(200, "These weights are a version already.")
            .WithProblems(ModelProblems.NoCheckpoint, ModelProblems.BadName, ModelProblems.TooLarge, ModelProblems.Refused, ModelProblems.StorageAway).DisableAntiforgery();
        group.MapDelete("{id}", Delete).WithName("deleteModel").WithSummary("Deletes a version")
            .WithDescription("Only one that has no alias, that no open job reads and that answers no request. One that ships comes back with the next start.").WithAnswer(204, "It is deleted.").WithProblems(ModelProblems.Unknown, ModelProblems.InUse, ModelProblems.StorageAway);
        group.MapPost("{id}/promote", Promote).WithName("promoteModel").WithSummary("Makes a version the champion, or the candidate")
            .WithDescription("The weights are loaded first: what cannot be used changes nothing. The champion before becomes previous. The process that answers swaps before it answers, without failing a request; others follow within `Models:PollSeconds` and the time to load. The gate of the settings may refuse (422); `force` with a reason gets past it.")
            .WithAnswer(200, "Where the alias points now.").WithProblems(ModelProblems.BadAlias, ModelProblems.BadReason, ModelProblems.Unknown, ModelProblems.Gate, ModelProblems.Refused, ModelProblems.StorageAway);
        group.MapPost("rollback", RollBack).WithName("rollBackModel").WithSummary("Makes the previous champion champion again")
            .WithDescription("One call, no gate. The present champion becomes previous, so that a second rollback undoes the first.").WithAnswer(200, "Where the alias points now.").WithProblems(ModelProblems.BadReason, ModelProblems.NoPrevious, ModelProblems.Refused, ModelProblems.StorageAway);
    }

    private static async Task<Results<Created<ModelInfo>, Ok<ModelInfo>>> Upload(HttpContext context, CheckpointUpload uploads, ModelRegistry registry, ModelView view)
    {
        NewCheckpoint checkpoint = await uploads.ReadAsync(context.Request, context.RequestAborted);
        (ModelVersion version, bool created) = await registry.AddAsync(checkpoint, new MovedBy(ActorOf(context, null), "Uploaded."), context.RequestAborted);
        ModelInfo info = await view.InfoAsync(version, context.RequestAborted);
        return created ? TypedResults.Created($"/v1/models/{version.Id}", info) : TypedResults.Ok(info);
    }

    /// <param name="id" example="019ab6a0c2f1748d9b6d1d6f2c3e4a5b">Of the version; no alias, no name.</param>
    /// <param name="registry">The models.</param>
    /// <param name="cancellationToken">The request's.</param>
    private static async Task<NoContent> Delete(string id, ModelRegistry registry, CancellationToken cancellationToken)
    {
        await registry.DeleteAsync(id, cancellationToken);
        return TypedResults.NoContent();
    }

    /// <param name="id" example="candidate">Id, alias, name@checksum or name.</param>
    /// <param name="request">May be absent.</param>
    /// <param name="promotions">The aliases.</param>
    /// <param name="context">The request.</param>
    private static async Task<Ok<PromotionResult>> Promote(string id, PromoteRequest? request, ModelPromotions promotions, HttpContext context) =>
        TypedResults.Ok(await promotions.PromoteAsync(id, request ?? new(), ActorOf(context, request?.By), context.RequestAborted));

    /// <param name="request">May be absent.</param>
    /// <param name="promotions">The aliases.</param>
    /// <param name="context">The request.</param>
    private static async Task<Ok<PromotionResult>> RollBack(RollbackRequest? request, ModelPromotions promotions, HttpContext context) =>
        TypedResults.Ok(await promotions.RollBackAsync(request ?? new(), ActorOf(context, request?.By), context.RequestAborted));

    /// <summary>The key's id; without keys who the request says it is.</summary>
    private static string ActorOf(HttpContext context, string? by)
    {
        if (context.GetCaller().Id is { Length: > 0 } key) return key;
        if (string.IsNullOrWhiteSpace(by)) return "anonymous";
        return by.Length <= MaxBy && !by.Any(char.IsControl) ? by : throw new ApiException(ProblemKind.InvalidParameter, $"by must be one line of at most {MaxBy} characters.") { Parameter = "by", Limit = MaxBy, Actual = by.Length };
    }

    private static OpenApiSchema Binary() => new() { Type = JsonSchemaType.String, Format = "binary" };
}
