using System.Net;
using DenoiseService.Api.Access;
using DenoiseService.Api.Tests.Support;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.TestHost;

namespace DenoiseService.Api.Tests.Access;

public sealed class LoopbackTests
{
    private const string Elsewhere = "203.0.113.7";

    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("127.8.9.1", true)]
    [InlineData("::1", true)]
    [InlineData("::ffff:127.0.0.1", true)]
    [InlineData(null, true)] // a Unix socket, or a server in the same process
    [InlineData("10.0.0.1", false)]
    [InlineData("203.0.113.7", false)]
    [InlineData("2001:db8::1", false)]
    [InlineData("::ffff:10.0.0.1", false)]
    [InlineData("0.0.0.0", false)]
    public void Only_loopback_addresses_are_the_own_machine(string? address, bool local) => Assert.Equal(local, LocalRequest.IsLocal(Context(address)));

    [Theory]
    [InlineData("X-Forwarded-For", "127.0.0.1")]
    [InlineData("X-Forwarded-For", "")]
    [InlineData("x-forwarded-host", "localhost")]
    [InlineData("X-Forwarded-Proto", "http")]
    [InlineData("X-Original-For", "127.0.0.1:80")]
    [InlineData("Forwarded", "for=127.0.0.1")]
    [InlineData("Via", "1.1 proxy")]
    [InlineData("X-Real-IP", "127.0.0.1")]
    [InlineData("Sec-Fetch-Site", "cross-site")] // a page from elsewhere, in a browser on this machine
    [InlineData("Sec-Fetch-Site", "same-site")]
    public void What_came_through_a_proxy_or_from_another_site_is_not_local_whatever_it_says(string header, string value)
    {
        DefaultHttpContext context = Context("127.0.0.1");
        context.Request.Headers[header] = value;
        Assert.False(LocalRequest.IsLocal(context));
    }

    [Theory]
    [InlineData("localhost:8080", true)]
    [InlineData("a.localhost", true)]
    [InlineData("127.0.0.1:8080", true)]
    [InlineData("[::1]:8080", true)]
    [InlineData("denoise.example.com", false)]
    [InlineData("localhost.example.com", false)] // a name that was made to lead here
    [InlineData("203.0.113.7", false)]
    public void The_host_must_be_this_machine(string host, bool local)
    {
        DefaultHttpContext context = Context("127.0.0.1");
        context.Request.Host = new HostString(host);
        Assert.Equal(local, LocalRequest.IsLocal(context));
    }

    [Fact]
    public async Task Without_a_key_only_the_own_machine_is_answered_and_the_refusal_names_the_settings()
    {
        await using var service = new Service();
        Assert.Equal(HttpStatusCode.OK, (await From(service, null).GetAsync("/v1/models")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await From(service, "127.0.0.1").GetAsync("/v1/keys")).StatusCode);
        HttpClient far = From(service, Elsewhere);
        string detail = (await (await far.GetAsync("/v1/models")).ProblemAsync(HttpStatusCode.Forbidden, "local-only")).GetProperty("detail").GetString()!;
        foreach (string setting in (string[])["Security:AdminKey", "Security:AllowAnonymous"]) Assert.Contains(setting, detail, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await far.GetAsync("/health/live")).StatusCode);
        far.DefaultRequestHeaders.Add("X-Forwarded-For", "127.0.0.1");
        await (await far.GetAsync("/v1/models")).ProblemAsync(HttpStatusCode.Forbidden, "local-only");
        HttpClient proxied = From(service, "127.0.0.1");
        proxied.DefaultRequestHeaders.Add("X-Forwarded-For", Elsewhere);
        await (await proxied.GetAsync("/v1/models")).ProblemAsync(HttpStatusCode.Forbidden, "local-only");
    }

    [Fact]
    public async Task Forwarded_addresses_that_the_framework_was_told_to_believe_do_not_fool_it()
    {
        await using var service = new Service(new() { ["FORWARDEDHEADERS_ENABLED"] = "true" });
        HttpClient far = From(service, Elsewhere);
        far.DefaultRequestHeaders.Add("X-Forwarded-For", "127.0.0.1");
        await (await far.GetAsync("/v1/models")).ProblemAsync(HttpStatusCode.Forbidden, "local-only");
    }

    [Fact]
    public async Task From_the_first_key_on_keys_are_asked_for_on_the_own_machine_too()
    {
        await using var service = new Service();
        HttpClient local = From(service, "127.0.0.1");
        await (await local.PostAsync("/v1/keys", System.Net.Http.Json.JsonContent.Create(new { name = "a", scopes = (string[])["read"] }))).ProblemAsync(HttpStatusCode.Conflict, "admin-key-needed");
        (string key, _) = await local.MakeKeyAsync("admin");
        await (await local.GetAsync("/v1/models")).ProblemAsync(HttpStatusCode.Unauthorized, "key-required");
        HttpClient far = From(service, Elsewhere);
        far.DefaultRequestHeaders.Add("X-Api-Key", key);
        Assert.Equal(HttpStatusCode.OK, (await far.GetAsync("/v1/models")).StatusCode);
    }

    [Fact]
    public async Task Allow_anonymous_lets_anybody_in_for_its_scopes_and_no_further()
    {
        await using var service = new Service(new() { ["Security:AllowAnonymous"] = "true", ["Security:AdminKey"] = AccessTestSupport.AdminKey });
        HttpClient far = From(service, Elsewhere);
        Assert.Equal(HttpStatusCode.OK, (await far.GetAsync("/v1/models")).StatusCode);
        Assert.NotEqual(HttpStatusCode.Unauthorized, (await far.PostAsync("/v1/denoise", AccessTestSupport.Picture())).StatusCode);
        await (await far.GetAsync("/v1/keys")).ProblemAsync(HttpStatusCode.Unauthorized, "key-required");
        far.DefaultRequestHeaders.Add("X-Api-Key", "wrong");
        await (await far.GetAsync("/v1/models")).ProblemAsync(HttpStatusCode.Unauthorized, "invalid-key");
    }

    [Fact]
    public async Task Anonymous_scopes_may_be_all()
    {
        await using var service = new Service(new() { ["Security:AllowAnonymous"] = "true", ["Security:AnonymousScopes"] = "Inference, Read, Admin" });
        Assert.Equal(HttpStatusCode.OK, (await From(service, Elsewhere).GetAsync("/v1/keys")).StatusCode);
    }

    private static DefaultHttpContext Context(string? address)
    {
        var context = new DefaultHttpContext();
        context.Connection.RemoteIpAddress = address is null ? null : IPAddress.Parse(address);
        context.Request.Host = new HostString("localhost", 8080);
        return context;
    }

    /// <summary>A client whose connections come from an address.</summary>
    private static HttpClient From(Service service, string? address)
    {
        _ = service.Services;
        TestServer server = service.Server;
        var client = new HttpClient(new Addressed(server, address)) { BaseAddress = new Uri("http://localhost/") };
        return client;
    }

    private sealed record HasBody(bool CanHaveBody) : IHttpRequestBodyDetectionFeature;

    private sealed class Addressed(TestServer server, string? address) : HttpMessageHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            byte[] body = request.Content is null ? [] : await request.Content.ReadAsByteArrayAsync(cancellationToken);
            HttpContext context = await server.SendAsync(
                c =>
                {
                    c.Connection.RemoteIpAddress = address is null ? null : IPAddress.Parse(address);
                    c.Request.Method = request.Method.Method;
                    c.Request.Scheme = "http";
                    c.Request.Host = new HostString("localhost");
                    c.Request.Path = request.RequestUri!.AbsolutePath;
                    foreach ((string name, IEnumerable<string> values) in request.Headers) c.Request.Headers[name] = values.ToArray();
                    c.Request.ContentType = request.Content?.Headers.ContentType?.ToString();
                    c.Request.ContentLength = body.Length;
                    c.Request.Body = new MemoryStream(body);
                    c.Features.Set<IHttpRequestBodyDetectionFeature>(new HasBody(body.Length > 0));
                },
                cancellationToken);
            var answer = new MemoryStream();
            await context.Response.Body.CopyToAsync(answer, cancellationToken);
            var response = new HttpResponseMessage((HttpStatusCode)context.Response.StatusCode) { Content = new ByteArrayContent(answer.ToArray()) };
            foreach ((string name, Microsoft.Extensions.Primitives.StringValues values) in context.Response.Headers)
            {
                if (!response.Headers.TryAddWithoutValidation(name, values.ToArray())) response.Content.Headers.TryAddWithoutValidation(name, values.ToArray());
            }

            return response;
        }
    }
}
