using DenoiseService.Api.Errors;
using DenoiseService.Api.OpenApi;
using DenoiseService.Api.Storage;
using Microsoft.AspNetCore.Http.HttpResults;

namespace DenoiseService.Api.Models;

/// <summary>The routes that show models.</summary>
internal static class ModelReads
{
    public static void MapModelReads(this RouteGroupBuilder group)
    {
        group.MapGet("", List).WithName("listModels").WithSummary("Lists the models")
            .WithDescription("Every version with its card, the newest first, the aliases, and the shipped files that were refused. `default` is the champion, which answers requests that name no model.")
            .WithAnswer(200, "A page of the versions.").WithProblems(BadLimit, ModelProblems.StorageAway);
        group.MapGet("promotions", Log).WithName("listPromotions").WithSummary("Shows the log of promotions")
            .WithDescription("Every move of the aliases champion and candidate, the newest first; it outlives deleted versions.").WithAnswer(200, "A page of the log.").WithProblems(BadLimit, ModelProblems.StorageAway);
        group.MapGet("{id}", Get).WithName("getModel").WithSummary("Shows one model")
            .WithDescription("Shape, checksum, training record and measurements of one version.").WithAnswer(200, "The version.").WithProblems(ModelProblems.Unknown, ModelProblems.StorageAway);
        group.MapGet("{id}/weights", Weights).WithName("getModelWeights").WithSummary("Downloads the weights")
            .WithDescription("The safetensors file, verified against its checksum before the first byte is sent; `ETag` and `Repr-Digest` carry the checksum, ranges are answered.")
            .WithAnswer(200, "The safetensors file.").WithBinaryAnswer(ModelFiles.Octets).WithProblems(ModelProblems.Unknown, ModelProblems.Damaged, ModelProblems.StorageAway);
        group.MapGet("{id}/card", Card).WithName("getModelCard").WithSummary("Downloads the card")
            .WithDescription("The JSON that belongs beside the weights: configuration, checksum, training record, metrics. Both together can be uploaded again.")
            .WithAnswer(200, "The card.").WithBinaryAnswer("application/json").WithProblems(ModelProblems.Unknown, ModelProblems.StorageAway);
    }

    private static ApiException BadLimit => Paging.Refusal(0);

    /// <param name="view">The models.</param>
    /// <param name="cursor">`nextCursor` of the page before.</param>
    /// <param name="limit" example="50">Versions of a page: 1 to 200, 50 if absent.</param>
    /// <param name="cancellationToken">The request's.</param>
    private static async Task<Ok<ModelList>> List(ModelView view, string? cursor, int? limit, CancellationToken cancellationToken) => TypedResults.Ok(await view.ListAsync(Paging.CursorOf(cursor), Paging.LimitOf(limit), cancellationToken));

    /// <param name="id" example="champion">Id, alias, name@checksum or name.</param>
    /// <param name="view">The models.</param>
    /// <param name="cancellationToken">The request's.</param>
    private static async Task<Ok<ModelInfo>> Get(string id, ModelView view, CancellationToken cancellationToken) => TypedResults.Ok(await view.GetAsync(id, cancellationToken));

    /// <param name="id" example="champion">Id, alias, name@checksum or name.</param>
    /// <param name="files">The files.</param>
    /// <param name="context">The request.</param>
    private static Task<FileStreamHttpResult> Weights(string id, ModelFiles files, HttpContext context) => files.WeightsAsync(id, context.Response, context.RequestAborted);

    /// <param name="id" example="champion">Id, alias, name@checksum or name.</param>
    /// <param name="files">The files.</param>
    /// <param name="cancellationToken">The request's.</param>
    private static Task<FileContentHttpResult> Card(string id, ModelFiles files, CancellationToken cancellationToken) => files.CardAsync(id, cancellationToken);

    /// <param name="view">The models.</param>
    /// <param name="cursor">`nextCursor` of the page before.</param>
    /// <param name="limit" example="50">Lines of a page: 1 to 200, 50 if absent.</param>
    /// <param name="cancellationToken">The request's.</param>
    private static async Task<Ok<PromotionLog>> Log(ModelView view, string? cursor, int? limit, CancellationToken cancellationToken) => TypedResults.Ok(await view.LogAsync(Paging.CursorOf(cursor), Paging.LimitOf(limit), cancellationToken));
}
