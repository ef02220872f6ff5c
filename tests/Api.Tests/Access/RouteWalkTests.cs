using System.Net;
using System.Net.Http.Json;
using DenoiseService.Api.Access;
using DenoiseService.Api.Storage;
using DenoiseService.Api.Tests.Support;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace DenoiseService.Api.Tests.Access;

/// <summary>Every route × every kind of caller.</summary>
public sealed class RouteWalkTests
{
    /// <summary>The only routes that anybody may call. A new one that is missing here and has no scope fails the tests.</summary>
    private static readonly string[] Open = ["GET /", "GET /health/live", "GET /health/ready"];

    [Fact]
    public async Task Every_route_has_a_scope_or_is_on_the_list_of_open_ones()
    {
        await using var service = new Service();
        foreach ((string name, RouteEndpoint route) in Routes(service))
        {
            bool open = route.Metadata.GetMetadata<IAllowAnonymous>() is not null;
            Assert.True(open == Open.Contains(name), $"{name} is {(open ? "open, but not on the list" : "on the list of open routes, but not open")}.");
            if (!open) Assert.True(route.Metadata.GetMetadata<ScopeRequirement>() is not null, $"{name} has no scope: RequireScope is missing.");
        }
    }

    [Fact]
    public async Task Every_route_admits_exactly_the_keys_that_have_its_scope()
    {
        var time = new SteppedTime();
        await using var service = new Service(new() { ["Security:AdminKey"] = AccessTestSupport.AdminKey });
        WebApplicationFactory<Program> app = service.On(time);
        HttpClient admin = app.With(AccessTestSupport.AdminKey);
        // One key for each kind of caller; the scopes that it really has.
        (string Kind, string? Key, KeyScopes Scopes)[] callers =
        [
            ("none", null, KeyScopes.None),
            ("inference", (await admin.MakeKeyAsync("inference")).Key, KeyScopes.Inference),
            ("read", (await admin.MakeKeyAsync("read")).Key, KeyScopes.Read),
            ("both", (await admin.MakeKeyAsync("inference", "read")).Key, KeyScopes.Inference | KeyScopes.Read),
            ("admin", (await admin.MakeKeyAsync("admin")).Key, KeyScopes.Admin),
            ("settings", AccessTestSupport.AdminKey, KeyScopes.Admin),
            ("revoked", await RevokedAsync(admin), KeyScopes.None),
            ("expired", await ExpiredAsync(admin, time), KeyScopes.None),
            ("garbage", "garbage", KeyScopes.None),
            ("unknown", KeyFormat.NewKey("0123456789ab"), KeyScopes.None),
            ("wrong secret", KeyFormat.NewKey((await admin.MakeKeyAsync("admin")).Id), KeyScopes.None),
        ];
        int walked = 0;
        foreach ((string name, RouteEndpoint route) in Routes(service, app))
        {
            KeyScopes? needed = route.Metadata.GetMetadata<IAllowAnonymous>() is null ? route.Metadata.GetMetadata<ScopeRequirement>()!.Scope : null;
            foreach ((string kind, string? key, KeyScopes scopes) in callers)
            {
                foreach (bool bearer in (bool[])[true, false])
                {
                    HttpResponseMessage response = await SendAsync(app, name, route, key, bearer);
                    string what = $"{name} by {kind}";
                    if (needed is not { } scope || scopes.Grants(scope)) Assert.True(response.StatusCode is not (HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden), $"{what} was refused: {response.StatusCode}");
                    else if (scopes == KeyScopes.None) Refused(response, HttpStatusCode.Unauthorized, await response.ProblemAsync(HttpStatusCode.Unauthorized, key is null ? "key-required" : "invalid-key"));
                    else Assert.Equal(scope.Names(), Refused(response, HttpStatusCode.Forbidden, await response.ProblemAsync(HttpStatusCode.Forbidden, "scope-missing")).GetProperty("limit").GetString());
                    walked++;
                }
            }
        }

        Assert.True(walked >= 10 * callers.Length * 2);
        // Nothing of all this made or revoked a key.
        await using Store store = app.Services.GetRequiredService<IDbContextFactory<Store>>().CreateDbContext();
        Assert.Equal(7, await store.ApiKeys.CountAsync());
        Assert.Equal(1, await store.ApiKeys.CountAsync(k => k.RevokedAt != null));
    }

    [Fact]
    public async Task A_key_is_asked_for_before_limits_and_the_picture_are_looked_at()
    {
        await using var service = new Service(new() { ["Security:AdminKey"] = AccessTestSupport.AdminKey, ["Images:MaxBytes"] = "1024", ["Inference:MaxQueuedRequests"] = "1" });
        byte[] large = new byte[4096];
        await (await service.With(null).PostAsync("/v1/denoise?strength=7", Support.Pictures.Raw(large))).ProblemAsync(HttpStatusCode.Unauthorized, "key-required");
        await (await service.With(AccessTestSupport.AdminKey).PostAsync("/v1/denoise?strength=7", Support.Pictures.Raw(large))).ProblemAsync(HttpStatusCode.RequestEntityTooLarge, "too-large");
    }

    [Fact]
    public async Task What_has_no_route_and_what_documents_the_service_needs_no_key()
    {
        await using var service = new Service(new() { ["Security:AdminKey"] = AccessTestSupport.AdminKey });
        HttpClient client = service.With("garbage");
        await (await client.GetAsync("/nothing")).ProblemAsync(HttpStatusCode.NotFound, "not-found");
        await (await client.DeleteAsync("/v1/denoise")).ProblemAsync(HttpStatusCode.MethodNotAllowed, "method-not-allowed");
        foreach (string path in (string[])["/openapi/v1.json", "/swagger/index.html"]) Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(path)).StatusCode);
    }

    private static System.Text.Json.JsonElement Refused(HttpResponseMessage response, HttpStatusCode status, System.Text.Json.JsonElement problem)
    {
        Assert.StartsWith("Bearer realm=\"denoise\"", response.Headers.WwwAuthenticate.ToString(), StringComparison.Ordinal);
        Assert.Equal(status == HttpStatusCode.Forbidden, response.Headers.WwwAuthenticate.ToString().Contains("insufficient_scope", StringComparison.Ordinal));
        return problem;
    }

    // Bodies that are refused further in: the walk asks only who gets that far.
    private static Task<HttpResponseMessage> SendAsync(WebApplicationFactory<Program> app, string name, RouteEndpoint route, string? key, bool bearer)
    {
        string[] parts = name.Split(' ');
        var request = new HttpRequestMessage(new HttpMethod(parts[0]), parts[1]);
        if (parts[0] is "POST" or "PUT" or "PATCH") request.Content = JsonContent.Create(new { nothing = true });
        // A media type that the route does not take is the router's own refusal, before anybody asks for a key.
        if (request.Content is not null && route.Metadata.GetMetadata<IAcceptsMetadata>() is { ContentTypes: [var taken, ..] }) request.Content.Headers.ContentType = new(taken);
        if (key is not null && !bearer) request.Headers.Add("X-Api-Key", key);
        return app.With(bearer ? key : null).SendAsync(request);
    }

    private static async Task<string> RevokedAsync(HttpClient admin)
    {
        (string key, string id) = await admin.MakeKeyAsync("admin");
        Assert.Equal(HttpStatusCode.NoContent, (await admin.DeleteAsync("/v1/keys/" + id)).StatusCode);
        return key;
    }

    private static async Task<string> ExpiredAsync(HttpClient admin, SteppedTime time)
    {
        (string key, _) = await AccessTestSupport.KeyOf(await admin.PostAsJsonAsync("/v1/keys", new { name = "short", scopes = (string[])["admin"], expiresAt = time.GetUtcNow().AddSeconds(10) }));
        time.Step(10);
        return key;
    }

    private static (string Name, RouteEndpoint Route)[] Routes(Service service, WebApplicationFactory<Program>? app = null)
    {
        _ = (app ?? service).CreateClient();
        (string Name, RouteEndpoint Route)[] routes =
        [
            .. from route in (app ?? service).Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
               from method in route.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? ["GET"]
               select ($"{method} /{System.Text.RegularExpressions.Regex.Replace(route.RoutePattern.RawText!.Trim('/'), @"\{[^}]*\}", "x")}", route),
        ];
        Assert.True(routes.Length >= 10);
        return routes;
    }
}
