using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using DenoiseService.Api.Access;
using DenoiseService.Api.Errors;
using DenoiseService.Api.Storage;
using DenoiseService.Api.Tests.Support;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Tests.Access;

public sealed class RateLimitTests
{
    private readonly SteppedTime _time = new();

    [Fact]
    public void A_bucket_gives_its_capacity_at_once_and_then_its_rate()
    {
        RateLimits limits = Of(new() { PatchesPerMinute = 600 }); // 10 a second
        limits.Charge(Key("a"), 400);
        limits.Charge(Key("a"), 200);
        ApiException refusal = Assert.Throws<ApiException>(() => limits.Charge(Key("a"), 25));
        Assert.Equal((ProblemKind.RateLimited, TimeSpan.FromSeconds(3)), (refusal.Kind, refusal.RetryAfter));
        _time.Step(2.4);
        Assert.Equal(TimeSpan.FromSeconds(1), Assert.Throws<ApiException>(() => limits.Charge(Key("a"), 25)).RetryAfter);
        limits.Charge(Key("b"), 600); // another key has its own
        _time.Step(0.1);
        limits.Charge(Key("a"), 25);
        _time.Step(1_000_000);
        limits.Charge(Key("a"), 600);
        Assert.Throws<ApiException>(() => limits.Charge(Key("a"), 1)); // it saves no more than its capacity
    }

    [Fact]
    public void A_picture_above_the_capacity_is_taken_when_the_bucket_is_full_and_paid_for_afterwards()
    {
        RateLimits limits = Of(new() { PatchesPerMinute = 60, BurstSeconds = 10 }); // 1 a second, 10 at once
        limits.Charge(Key("a"), 1);
        Assert.Equal(TimeSpan.FromSeconds(1), Assert.Throws<ApiException>(() => limits.Charge(Key("a"), 100)).RetryAfter);
        _time.Step(1);
        limits.Charge(Key("a"), 100);
        Assert.Equal(TimeSpan.FromSeconds(91), Assert.Throws<ApiException>(() => limits.Charge(Key("a"), 1)).RetryAfter);
        _time.Step(91);
        limits.Charge(Key("a"), 1);
    }

    [Fact]
    public void A_keys_own_limit_comes_before_the_settings_and_0_is_none()
    {
        RateLimits limits = Of(new() { PatchesPerMinute = 60 });
        limits.Charge(Key("own", 600), 600);
        Assert.Equal(600L, Assert.Throws<ApiException>(() => limits.Charge(Key("own", 600), 1)).Limit);
        for (int i = 0; i < 100; i++) limits.Charge(Key("none", 0), 1_000_000);
    }

    [Fact]
    public void Callers_without_a_key_share_one_bucket_which_by_default_has_no_bottom()
    {
        RateLimits limits = Of(new() { AnonymousPatchesPerMinute = 60 }), open = Of(new() { PatchesPerMinute = 60 });
        limits.Charge(Caller.Anonymous(KeyScopes.Inference), 60);
        Assert.Throws<ApiException>(() => limits.Charge(Caller.Anonymous(KeyScopes.Inference), 1));
        for (int i = 0; i < 100; i++) open.Charge(Caller.Anonymous(KeyScopes.Inference), 1_000_000);
    }

    [Fact]
    public void Buckets_that_are_full_again_are_dropped()
    {
        RateLimits limits = Of(new() { PatchesPerMinute = 600 });
        for (int i = 0; i < 100_000; i++)
        {
            limits.Charge(Key($"{i}"), 10); // full again after a second
            if (i % 100 == 0) _time.Step(1);
            Assert.True(limits.Count <= 1025);
        }
    }

    [Fact]
    public void Concurrent_requests_get_no_more_than_there_is()
    {
        RateLimits limits = Of(new() { PatchesPerMinute = 1000 });
        int taken = 0;
        Parallel.For(0, 5000, _ =>
        {
            try
            {
                limits.Charge(Key("a"), 1);
                Interlocked.Increment(ref taken);
            }
            catch (ApiException)
            {
                // refused
            }
        });
        Assert.Equal(1000, taken);
    }

    [Fact]
    public async Task Over_http_the_refusal_has_its_own_type_and_says_when_to_come_back()
    {
        await using var service = new Service(new() { ["Security:AdminKey"] = AccessTestSupport.AdminKey });
        HttpClient admin = await ReadyAsync(service, AccessTestSupport.AdminKey);
        (string key, _) = await AccessTestSupport.KeyOf(await admin.PostAsJsonAsync("/v1/keys", new { name = "slow", scopes = (string[])["inference"], patchesPerMinute = 60 }));
        HttpClient client = service.With(key);
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync("/v1/denoise", AccessTestSupport.Picture(40))).StatusCode);
        HttpResponseMessage refusal = await client.PostAsync("/v1/routing-map", AccessTestSupport.Picture(40));
        JsonElement problem = await refusal.ProblemAsync(HttpStatusCode.TooManyRequests, "rate-limited");
        Assert.Equal(("patchesPerMinute", 60), (problem.GetProperty("parameter").GetString(), problem.GetProperty("limit").GetInt32()));
        // 1 patch a second; both pictures cost the same.
        Assert.InRange(refusal.Headers.RetryAfter!.Delta!.Value.TotalSeconds, problem.GetProperty("actual").GetInt32() - 20, 2 * problem.GetProperty("actual").GetInt32());
        Assert.Equal(0, service.Admission.PendingRequests); // the refused one holds no place
        Assert.Equal(HttpStatusCode.OK, (await admin.PostAsync("/v1/denoise", AccessTestSupport.Picture(40))).StatusCode);
        // A picture that cannot be read costs nothing.
        await (await client.PostAsync("/v1/denoise", Support.Pictures.Raw([1, 2, 3]))).ProblemAsync(HttpStatusCode.UnsupportedMediaType, "unsupported-image");
    }

    private static async Task<HttpClient> ReadyAsync(Service service, string key)
    {
        await service.ReadyAsync();
        return service.With(key);
    }

    private static Caller Key(string id, long? limit = null) => new(id, KeyScopes.Inference, limit);

    private RateLimits Of(RateLimitOptions options) => new(Options.Create(options), _time);
}
