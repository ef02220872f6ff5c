using System.Net;
using System.Text.Json;
using DenoiseService.Api.Tests.Models;
using DenoiseService.Api.Tests.Support;
using DenoiseService.Imaging;
using DenoiseService.Training;

namespace DenoiseService.Api.Tests.Comparing;

public sealed class CompareTests : IAsyncLifetime, IDisposable
{
    private readonly ModelFolder _elsewhere = new();
    private readonly Service _service = new();
    private HttpClient _client = null!;

    public async Task InitializeAsync()
    {
        _client = await _service.ReadyAsync();
        await _client.UploadAsync(_elsewhere, "next");
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose()
    {
        _service.Dispose();
        _elsewhere.Dispose();
    }

    [Theory]
    [InlineData("normal")]
    [InlineData("high")]
    public async Task The_scores_are_those_of_the_two_answers(string mode)
    {
        byte[] picture = Support.Pictures.Encode(41, 50, bitDepth: 16);
        Picture first = await CleanAsync("champion", picture, mode), second = await CleanAsync("candidate", picture, mode);
        HttpResponseMessage answer = await _client.PostAsync("/v1/compare", Support.Pictures.Form(picture, ("includeImages", "true"), ("gain", "5"), ("mode", mode)));
        JsonElement scores = await answer.JsonAsync();
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(Metrics.Psnr(first.Samples, second.Samples), scores.GetProperty("psnr").GetDouble(), 0.01);
        Assert.Equal(Metrics.Ssim(first.Samples, second.Samples, 41, 50), scores.GetProperty("ssim").GetDouble(), 1e-4);
        Assert.Equal(first.Samples.Zip(second.Samples).Average(p => Math.Abs(p.First - p.Second)), scores.GetProperty("meanAbsoluteDifference").GetDouble(), 1e-4);
        Assert.Equal(2, scores.GetProperty("routing").GetArrayLength());
        Assert.All(scores.GetProperty("routing").EnumerateArray(), b => Assert.InRange(b.GetProperty("meanTotalVariation").GetDouble(), 1e-6, 1));
        Assert.Equal($"{scores.GetProperty("first").GetString()}, {scores.GetProperty("second").GetString()}", Assert.Single(answer.Headers.GetValues("X-Model-Version")));
        Assert.StartsWith("next@", scores.GetProperty("second").GetString(), StringComparison.Ordinal);

        JsonElement images = scores.GetProperty("images");
        Assert.Equal(first.Samples, Support.Pictures.Decode(images.GetProperty("first").GetBytesFromBase64()).Samples);
        Assert.Equal(second.Samples, Support.Pictures.Decode(images.GetProperty("second").GetBytesFromBase64()).Samples);
        Picture difference = Support.Pictures.Decode(images.GetProperty("difference").GetBytesFromBase64());
        for (int i = 0; i < difference.Samples.Length; i++) Assert.Equal(Math.Min(1, 5 * Math.Abs(first.Samples[i] - second.Samples[i])), difference.Samples[i], 0.004);
    }

    [Fact]
    public async Task A_model_compared_with_itself_differs_in_nothing()
    {
        JsonElement scores = await (await _client.PostAsync("/v1/compare?first=next&second=candidate", Support.Pictures.Raw(Support.Pictures.Encode(6, 30)))).JsonAsync();
        Assert.Equal((JsonValueKind.Null, JsonValueKind.Null), (scores.GetProperty("psnr").ValueKind, scores.GetProperty("ssim").ValueKind)); // equal, and lower than SSIM's window
        Assert.Equal((0.0, 0.0), (scores.GetProperty("meanAbsoluteDifference").GetDouble(), scores.GetProperty("largestAbsoluteDifference").GetDouble()));
        Assert.All(scores.GetProperty("routing").EnumerateArray(), b => Assert.Equal((0.0, 0.0), (b.GetProperty("meanTotalVariation").GetDouble(), b.GetProperty("chosenDiffer").GetDouble())));
    }

    [Fact]
    public async Task Networks_of_other_shapes_have_scores_and_no_routing_difference()
    {
        _elsewhere.Add("shape", ModelFolder.SmallConfig with { KeysKept = [4, 16] });
        Assert.Equal(HttpStatusCode.Created, (await _client.PostAsync("/v1/models", _elsewhere.FormOf("shape"))).StatusCode);
        JsonElement scores = await (await _client.PostAsync("/v1/compare", Support.Pictures.Raw(Support.Pictures.Encode(20, 20)))).JsonAsync();
        Assert.Equal(JsonValueKind.Null, scores.GetProperty("routing").ValueKind);
        Assert.True(scores.GetProperty("psnr").GetDouble() > 0);
    }

    [Fact]
    public async Task Accept_png_gives_the_difference_picture_and_other_formats_406()
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/v1/compare") { Content = Support.Pictures.Raw(Support.Pictures.Encode(33, 20)), Headers = { { "Accept", "image/png" } } };
        HttpResponseMessage answer = await _client.SendAsync(request);
        Assert.Equal("image/png", answer.Content.Headers.ContentType!.MediaType);
        Picture difference = Support.Pictures.Decode(await answer.Content.ReadAsByteArrayAsync());
        Assert.Equal((33, 20), (difference.Height, difference.Width));
        request = new HttpRequestMessage(HttpMethod.Post, "/v1/compare") { Content = Support.Pictures.Raw(Support.Pictures.Encode(8, 8)), Headers = { { "Accept", "image/gif" } } };
        await (await _client.SendAsync(request)).ProblemAsync(HttpStatusCode.NotAcceptable, "not-acceptable");
    }

    [Fact]
    public async Task It_takes_one_place_at_the_cost_of_both_passes()
    {
        Task<HttpResponseMessage> call;
        await _client.AnswersAsync("?model=candidate"); // loads it
        using (await _service.HoldAsync())
        {
            call = _client.PostAsync("/v1/compare", Support.Pictures.Raw(Support.Pictures.Encode(100, 100))); // 16 tiles of 64 patches, twice
            await Service.UntilAsync(() => _service.Worker.Counters.HandedOver >= 2 && _service.Admission.PendingRequests == 1 && _service.Admission.PendingPatches > 0, "admitted");
            Assert.Equal((1, 2 * 16 * 64L), (_service.Admission.PendingRequests, _service.Admission.PendingPatches));
        }

        Assert.Equal(HttpStatusCode.OK, (await call).StatusCode);
        Assert.Equal((0, 0L), (_service.Admission.PendingRequests, _service.Admission.PendingPatches));
    }

    [Fact]
    public async Task Unknown_models_and_wrong_parameters_are_refused()
    {
        byte[] picture = Support.Pictures.Encode(8, 8);
        await (await _client.PostAsync("/v1/compare?second=none", Support.Pictures.Raw(picture))).ProblemAsync(HttpStatusCode.NotFound, "unknown-model");
        await (await _client.PostAsync("/v1/compare?gain=0", Support.Pictures.Raw(picture))).ProblemAsync(HttpStatusCode.BadRequest, "invalid-parameter");
        await (await _client.PostAsync("/v1/compare?mode=low", Support.Pictures.Raw(picture))).ProblemAsync(HttpStatusCode.BadRequest, "invalid-parameter");
        await (await _client.PostAsync("/v1/compare?strength=2", Support.Pictures.Raw(picture))).ProblemAsync(HttpStatusCode.BadRequest, "invalid-parameter");
        await (await _client.PostAsync("/v1/compare", Support.Pictures.Raw("text"u8.ToArray()))).ProblemAsync(HttpStatusCode.UnsupportedMediaType, "unsupported-image");
    }

    private async Task<Picture> CleanAsync(string model, byte[] picture, string mode)
    {
        HttpResponseMessage answer = await _client.PostAsync($"/v1/denoise?model={model}&mode={mode}", Support.Pictures.Raw(picture));
        return Support.Pictures.Decode(await answer.Content.ReadAsByteArrayAsync());
    }
}
