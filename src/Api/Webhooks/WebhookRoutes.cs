using DenoiseService.Api.Access;
using DenoiseService.Api.Errors;
using DenoiseService.Api.OpenApi;
using DenoiseService.Api.Storage;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace DenoiseService.Api.Webhooks;

/// <summary>/v1/webhooks: for admins.</summary>
internal static class WebhookRoutes
{
    private const string Id = "019ab6a0c2f1748d9b6d1d6f2c3e4a5b";
    private static readonly ApiException UnknownWebhook = new(ProblemKind.UnknownWebhook, "No webhook has this id.") { Parameter = "id", Actual = Id }, StorageAway = new(ProblemKind.StorageUnavailable, "The database is away or busy; try again.");

    public static void MapWebhookRoutes(this RouteGroupBuilder group)
    {
        group.MapPost("", Make).WithName("makeWebhook").WithSummary("Makes a webhook")
            .WithDescription("Its address gets a POST with `{type, timestamp, data}` whenever a job or a model changes; `data` is what GET /v1/jobs/{id}, GET /v1/models/{id} or the log of promotions shows. The headers `webhook-id`, `webhook-timestamp` and `webhook-signature` are those of the Standard Webhooks specification: `v1,` and the HMAC-SHA256 of `ID.TIMESTAMP.BODY` in base64, with the secret's bytes as the key. A 2xx is a delivery, 410 disables the webhook, anything else is tried again, later and later; redirects are not followed. A message may come more than once (with the same `webhook-id`), and in another order.")
            .WithAnswer(201, "The webhook with its secret, this once; Location is its address.")
            .WithProblems(new ApiException(ProblemKind.InvalidParameter, "url has the scheme http; it must be https.") { Parameter = "url", Limit = "https", Actual = "http" }, new ApiException(ProblemKind.BadRequest, "The JSON body cannot be read at $.events[0].") { Parameter = "$.events[0]" })
            .WithProblem(ProblemKind.UnsupportedMediaType, "The request was refused.").WithProblem(ProblemKind.TooManyWebhooks, "There are 20 webhooks; there may be 20.", "webhooks", 20, 20).WithProblems(StorageAway);
        group.MapGet("", List).WithName("listWebhooks").WithSummary("Lists the webhooks").WithDescription("All of them, without their secrets.").WithAnswer(200, "All webhooks, the newest first.").WithProblems(StorageAway);
        group.MapGet("{id}", Get).WithName("getWebhook").WithSummary("Shows one webhook").WithDescription("Without its secret.").WithAnswer(200, "The webhook.").WithProblems(UnknownWebhook, StorageAway);
        group.MapDelete("{id}", Delete).WithName("deleteWebhook").WithSummary("Deletes a webhook").WithDescription("With all its messages; one that is being sent at this moment may still arrive.").WithAnswer(204, "It is gone.").WithProblems(UnknownWebhook, StorageAway);
        group.MapPost("{id}/test", Test).WithName("testWebhook").WithSummary("Sends a ping to a webhook").WithDescription("Stores a message of type `ping`, which is sent, signed and tried again as any other, whatever the filter says; `data` is the webhook.")
            .WithAnswer(202, "The message; Location lists what became of it.").WithProblems(UnknownWebhook, StorageAway).WithProblem(ProblemKind.WebhookDisabled, "The webhook's receiver answered 410; nothing is sent to it any more.", "id", null, Id);
        group.MapGet("{id}/deliveries", Deliveries).WithName("listWebhookDeliveries").WithSummary("Shows what was sent to a webhook")
            .WithDescription("The newest first: state, attempts, the last status or what came in its place, and when the next attempt is due. Ended ones are kept for `Webhooks:KeepDays`. Answers' bodies are not kept.")
            .WithAnswer(200, "A page of the messages.").WithProblems(Paging.Refusal(0), UnknownWebhook, StorageAway);
    }

    /// <param name="wanted">What the webhook is to be.</param>
    /// <param name="context">The request.</param>
    /// <param name="register">The webhooks.</param>
    private static async Task<Created<MadeWebhook>> Make([FromBody] NewWebhook wanted, HttpContext context, WebhookRegister register)
    {
        Webhook webhook = await register.MakeAsync(wanted, context.GetCaller(), context.RequestAborted);
        context.Response.Headers.CacheControl = "no-store";
        return TypedResults.Created($"/v1/webhooks/{webhook.Id}", new MadeWebhook(WebhookSecret.ToText(webhook.Secret), WebhookInfo.Of(webhook)));
    }

    /// <param name="register">The webhooks.</param>
    /// <param name="cancellationToken">The request's.</param>
    private static async Task<Ok<WebhookList>> List(WebhookRegister register, CancellationToken cancellationToken) => TypedResults.Ok(new WebhookList([.. (await register.ListAsync(cancellationToken)).Select(WebhookInfo.Of)]));

    /// <param name="id" example="019ab6a0c2f1748d9b6d1d6f2c3e4a5b">Of the webhook.</param>
    /// <param name="register">The webhooks.</param>
    /// <param name="cancellationToken">The request's.</param>
    private static async Task<Ok<WebhookInfo>> Get(string id, WebhookRegister register, CancellationToken cancellationToken) => TypedResults.Ok(WebhookInfo.Of(await register.GetAsync(id, cancellationToken)));

    /// <param name="id" example="019ab6a0c2f1748d9b6d1d6f2c3e4a5b">Of the webhook.</param>
    /// <param name="context">The request.</param>
    /// <param name="register">The webhooks.</param>
    private static async Task<NoContent> Delete(string id, HttpContext context, WebhookRegister register)
    {
        await register.DeleteAsync(id, context.GetCaller(), context.RequestAborted);
        return TypedResults.NoContent();
    }

    /// <param name="id" example="019ab6a0c2f1748d9b6d1d6f2c3e4a5b">Of the webhook.</param>
    /// <param name="register">The webhooks.</param>
    /// <param name="cancellationToken">The request's.</param>
    private static async Task<Accepted<DeliveryInfo>> Test(string id, WebhookRegister register, CancellationToken cancellationToken) => TypedResults.Accepted($"/v1/webhooks/{id}/deliveries", await register.PingAsync(id, cancellationToken));

    /// <param name="id" example="019ab6a0c2f1748d9b6d1d6f2c3e4a5b">Of the webhook.</param>
    /// <param name="register">The webhooks.</param>
    /// <param name="cursor">`nextCursor` of the page before.</param>
    /// <param name="limit" example="50">Messages of a page: 1 to 200, 50 if absent.</param>
    /// <param name="cancellationToken">The request's.</param>
    private static async Task<Ok<DeliveryPage>> Deliveries(string id, WebhookRegister register, string? cursor, int? limit, CancellationToken cancellationToken) =>
        TypedResults.Ok(await register.DeliveriesAsync(id, Paging.CursorOf(cursor), Paging.LimitOf(limit), cancellationToken));
}
