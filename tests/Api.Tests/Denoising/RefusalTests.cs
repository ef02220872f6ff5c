using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;
using DenoiseService.Api.Tests.Support;
using DenoiseService.Imaging;

namespace DenoiseService.Api.Tests.Denoising;

/// <summary>Every refusal is a problem of the right status that names limit and value, on both routes that take a picture.</summary>
public sealed class RefusalTests(RefusalTests.Limited fixture) : IClassFixture<RefusalTests.Limited>
{
    public const int MaxBytes = 100_000;

    public sealed class Limited : IAsyncLifetime
    {
        public Service Service { get; } = new(new() { ["Images:MaxBytes"] = $"{MaxBytes}", ["Images:MaxMegapixels"] = "2", ["Images:MaxSide"] = "30000" });

        public Task InitializeAsync() => Service.ReadyAsync();

        public Task DisposeAsync() => Service.DisposeAsync().AsTask();
    }

    public static TheoryData<string> Routes => ["/v1/denoise", "/v1/routing-map"];

    private static readonly byte[] Picture = Support.Pictures.Encode(16, 16);

    [Theory, MemberData(nameof(Routes))]
    public async Task Wrong_method_answers_405_with_the_right_one(string route)
    {
        HttpResponseMessage response = await fixture.Service.CreateClient().GetAsync(route);
        await response.ProblemAsync(HttpStatusCode.MethodNotAllowed, "method-not-allowed");
        Assert.Equal(["POST"], response.Content.Headers.Allow);
    }

    [Fact]
    public async Task Unknown_route_answers_404() => await (await fixture.Service.CreateClient().GetAsync("/v1/nothing")).ProblemAsync(HttpStatusCode.NotFound, "not-found");

    [Theory, MemberData(nameof(Routes))]
    public async Task Empty_body_answers_400(string route)
    {
        JsonElement problem = await (await Post(route, Support.Pictures.Raw([]))).ProblemAsync(HttpStatusCode.BadRequest, "invalid-upload");
        Assert.Equal(0, problem.GetProperty("actual").GetInt32());
    }

    [Theory, MemberData(nameof(Routes))]
    public async Task Empty_part_answers_400(string route) =>
        Assert.Equal(0, (await (await Post(route, Support.Pictures.Form([]))).ProblemAsync(HttpStatusCode.BadRequest, "invalid-upload")).GetProperty("actual").GetInt32());

    [Theory, MemberData(nameof(Routes))]
    public async Task Text_as_picture_answers_415_with_what_is_accepted(string route)
    {
        JsonElement problem = await (await Post(route, Support.Pictures.Raw(Encoding.UTF8.GetBytes("BM this is no picture, it is text"), "image/png"))).ProblemAsync(HttpStatusCode.UnsupportedMediaType, "unsupported-image");
        Assert.Contains("image/webp", problem.GetProperty("accepted").EnumerateArray().Select(a => a.GetString()));
    }

    [Theory, MemberData(nameof(Routes))]
    public async Task Truncated_png_answers_422(string route) =>
        await (await Post(route, Support.Pictures.Raw(Support.Pictures.Encode(64, 64)[..^2000]))).ProblemAsync(HttpStatusCode.UnprocessableEntity, "corrupt-image");

    [Theory]
    [InlineData("png")]
    [InlineData("bmp")]
    public async Task A_damaged_colour_profile_that_must_be_converted_answers_422_before_any_work(string format)
    {
        byte[] profile = (byte[])NetVips.Image.ProfileLoad("p3");
        int tag = 128 + profile.AsSpan(128).IndexOf("rXYZ"u8);
        "curv"u8.CopyTo(profile.AsSpan(BinaryPrimitives.ReadInt32BigEndian(profile.AsSpan(tag + 4)))); // says that the red primary is a curve
        byte[] sent = ImageCodec.Encode(new Picture(Support.Pictures.Make(16, 16).Samples, 3, 16, 16) { IccProfile = profile }, ImageFormat.Png);
        long tiles = fixture.Service.Worker.Counters.Tiles;
        JsonElement problem = await (await Post($"/v1/denoise?color=srgb&format={format}", Support.Pictures.Raw(sent))).ProblemAsync(HttpStatusCode.UnprocessableEntity, "corrupt-image");
        Assert.Contains("colour profile", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Equal(tiles, fixture.Service.Worker.Counters.Tiles);
        Assert.Equal(HttpStatusCode.OK, (await Post($"/v1/denoise?format={format}", Support.Pictures.Raw(sent))).StatusCode);
    }

    [Theory, MemberData(nameof(Routes))]
    public async Task Unknown_model_answers_404_with_those_that_there_are(string route)
    {
        JsonElement problem = await (await Post(route + "?model=huge", Support.Pictures.Raw(Picture))).ProblemAsync(HttpStatusCode.NotFound, "unknown-model");
        Assert.Equal("huge", problem.GetProperty("actual").GetString());
        Assert.Equal(["champion", "small"], problem.GetProperty("accepted").EnumerateArray().Select(a => a.GetString()));
    }

    [Theory]
    [InlineData("strength", "7")]
    [InlineData("strength", "-0.1")]
    [InlineData("strength", "NaN")]
    [InlineData("strength", "Infinity")]
    [InlineData("strength", "strong")]
    [InlineData("sigma", "25")]
    [InlineData("sigma", "-0.1")]
    [InlineData("sigma", "much")]
    [InlineData("format", "gif")]
    [InlineData("mode", "best")]
    [InlineData("color", "cmyk")]
    [InlineData("includeRouting", "maybe")]
    public async Task Parameter_out_of_range_answers_400_and_names_value_and_range_in_query_and_form(string name, string value)
    {
        foreach (HttpResponseMessage response in (HttpResponseMessage[])
                 [
                     await Post($"/v1/denoise?{name}={value}", Support.Pictures.Raw(Picture)),
                     await Post("/v1/denoise", Support.Pictures.Form(Picture, (name, value))),
                 ])
        {
            JsonElement problem = await response.ProblemAsync(HttpStatusCode.BadRequest, "invalid-parameter");
            Assert.Equal(name, problem.GetProperty("parameter").GetString());
            Assert.Equal(value, problem.GetProperty("actual").ToString());
            Assert.False(string.IsNullOrEmpty(problem.GetProperty("limit").GetString()));
        }
    }

    [Theory]
    [InlineData("/v1/denoise?sigma=0.25")]
    [InlineData("/v1/routing-map?sigma=0.25")]
    [InlineData("/v1/compare?sigma=0.25&second=champion")]
    public async Task A_noise_level_for_a_model_that_cannot_be_told_answers_400_and_names_the_model(string route)
    {
        JsonElement problem = await (await Post(route, Support.Pictures.Raw(Picture))).ProblemAsync(HttpStatusCode.BadRequest, "invalid-parameter");
        Assert.Equal(("sigma", 0.25), (problem.GetProperty("parameter").GetString(), problem.GetProperty("actual").GetDouble()));
        Assert.StartsWith("auto, for the model small@", problem.GetProperty("limit").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_parameter_given_twice_answers_400() =>
        Assert.Equal(2, (await (await Post("/v1/denoise?strength=1&strength=0", Support.Pictures.Raw(Picture))).ProblemAsync(HttpStatusCode.BadRequest, "invalid-parameter")).GetProperty("actual").GetInt32());

    [Theory]
    [InlineData("2")]
    [InlineData("-1")]
    [InlineData("all")]
    public async Task A_block_that_the_network_has_not_answers_400(string block) =>
        Assert.Equal("0 to 1", (await (await Post("/v1/routing-map?block=" + block, Support.Pictures.Raw(Picture))).ProblemAsync(HttpStatusCode.BadRequest, "invalid-parameter")).GetProperty("limit").GetString());

    [Theory, MemberData(nameof(Routes))]
    public async Task Two_pictures_answer_400(string route)
    {
        MultipartFormDataContent form = Support.Pictures.Form(Picture);
        form.Add(Support.Pictures.Raw(Picture), "image", "second.png");
        JsonElement problem = await (await Post(route, form)).ProblemAsync(HttpStatusCode.BadRequest, "invalid-upload");
        Assert.Equal((1, 2), (problem.GetProperty("limit").GetInt32(), problem.GetProperty("actual").GetInt32()));
    }

    [Theory, MemberData(nameof(Routes))]
    public async Task No_picture_part_answers_400(string route) =>
        Assert.Equal(0, (await (await Post(route, Support.Pictures.Form(null, ("strength", "1")))).ProblemAsync(HttpStatusCode.BadRequest, "invalid-upload")).GetProperty("actual").GetInt32());

    [Fact]
    public async Task A_file_part_of_another_name_answers_400()
    {
        var form = new MultipartFormDataContent { { Support.Pictures.Raw(Picture), "picture", "photo.png" } };
        Assert.Equal("picture", (await (await Post("/v1/denoise", form)).ProblemAsync(HttpStatusCode.BadRequest, "invalid-upload")).GetProperty("actual").GetString());
    }

    [Theory, MemberData(nameof(Routes))]
    public async Task A_form_of_too_many_parts_answers_413_with_the_limit(string route)
    {
        MultipartFormDataContent form = Support.Pictures.Form(Picture, [.. Enumerable.Range(0, 64).Select(i => ($"field{i}", "1"))]);
        JsonElement problem = await (await Post(route, form)).ProblemAsync(HttpStatusCode.RequestEntityTooLarge, "too-large");
        Assert.Equal(("value count", 64), (problem.GetProperty("parameter").GetString(), problem.GetProperty("limit").GetInt32()));
    }

    [Fact]
    public async Task A_form_that_ends_early_answers_400()
    {
        HttpContent content = Support.Pictures.Raw(Encoding.ASCII.GetBytes("--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\n\r\nabc"));
        content.Headers.Remove("Content-Type");
        content.Headers.TryAddWithoutValidation("Content-Type", "multipart/form-data; boundary=b");
        await (await Post("/v1/denoise", content)).ProblemAsync(HttpStatusCode.BadRequest, "bad-request");
    }

    [Theory, MemberData(nameof(Routes))]
    public async Task A_small_file_that_declares_50000_by_50000_answers_413_within_50_ms(string route)
    {
        byte[] bomb = Support.Pictures.Bomb(50_000, 50_000);
        await Post(route, Support.Pictures.Raw(bomb)); // the first one compiles the code
        long started = Stopwatch.GetTimestamp();
        HttpResponseMessage response = await Post(route, Support.Pictures.Raw(bomb));
        TimeSpan elapsed = Stopwatch.GetElapsedTime(started);
        JsonElement problem = await response.ProblemAsync(HttpStatusCode.RequestEntityTooLarge, "too-large");
        Assert.Equal((30_000, 50_000), (problem.GetProperty("limit").GetInt32(), problem.GetProperty("actual").GetInt32()));
        Assert.True(elapsed < TimeSpan.FromMilliseconds(50), $"The refusal took {elapsed.TotalMilliseconds} ms.");
    }

    [Fact]
    public async Task Too_many_megapixels_answer_413()
    {
        JsonElement problem = await (await Post("/v1/denoise", Support.Pictures.Raw(Support.Pictures.Bomb(2000, 1001)))).ProblemAsync(HttpStatusCode.RequestEntityTooLarge, "too-large");
        Assert.Equal(("megapixels", 2, 2.002), (problem.GetProperty("parameter").GetString(), problem.GetProperty("limit").GetDouble(), problem.GetProperty("actual").GetDouble()));
    }

    [Theory, MemberData(nameof(Routes))]
    public async Task Too_many_bytes_answer_413_raw_in_chunks_and_in_a_form(string route)
    {
        byte[] large = new byte[MaxBytes + 1];
        Picture.CopyTo(large, 0);
        var chunked = new HttpRequestMessage(HttpMethod.Post, route) { Content = Support.Pictures.Raw(large), Headers = { TransferEncodingChunked = true } };
        foreach (HttpResponseMessage response in (HttpResponseMessage[])
                 [
                     await Post(route, Support.Pictures.Raw(large)),
                     await fixture.Service.CreateClient().SendAsync(chunked),
                     await Post(route, Support.Pictures.Form(new byte[MaxBytes + (1 << 20)])),
                     await Post(route, Support.Pictures.Form(large)),
                 ])
        {
            JsonElement problem = await response.ProblemAsync(HttpStatusCode.RequestEntityTooLarge, "too-large");
            Assert.Equal(MaxBytes, problem.GetProperty("limit").GetInt32());
            Assert.True(problem.GetProperty("actual").GetInt32() > MaxBytes);
        }
    }

    [Fact]
    public async Task A_picture_of_exactly_the_byte_limit_is_taken()
    {
        byte[] padded = new byte[MaxBytes];
        byte[] bmp = Support.Pictures.Encode(16, 16, format: ImageFormat.Bmp);
        bmp.CopyTo(padded, 0); // what stands behind a bitmap's pixels is ignored
        Assert.Equal(HttpStatusCode.OK, (await Post("/v1/denoise", Support.Pictures.Form(padded))).StatusCode);
    }

    [Theory]
    [InlineData("/v1/denoise", "image/gif")]
    [InlineData("/v1/denoise", "text/html, image/png;q=0")]
    [InlineData("/v1/denoise?includeRouting=true", "image/png")]
    [InlineData("/v1/routing-map", "image/jpeg")]
    public async Task Accept_of_nothing_that_there_is_answers_406_with_what_there_is(string route, string accept)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, route) { Content = Support.Pictures.Raw(Picture) };
        request.Headers.TryAddWithoutValidation("Accept", accept);
        HttpResponseMessage response = await fixture.Service.CreateClient().SendAsync(request);
        Assert.Contains("Accept", response.Headers.Vary);
        JsonElement problem = await response.ProblemAsync(HttpStatusCode.NotAcceptable, "not-acceptable");
        Assert.NotEqual(0, problem.GetProperty("accepted").GetArrayLength());
    }

    [Fact]
    public async Task A_side_that_the_asked_format_cannot_hold_answers_413_before_any_work()
    {
        long tiles = fixture.Service.Worker.Counters.Tiles;
        JsonElement problem = await (await Post("/v1/denoise?format=webp", Support.Pictures.Raw(Support.Pictures.Encode(2, 17_000)))).ProblemAsync(HttpStatusCode.RequestEntityTooLarge, "too-large");
        Assert.Equal((16_383, 17_000), (problem.GetProperty("limit").GetInt32(), problem.GetProperty("actual").GetInt32()));
        Assert.Equal(tiles, fixture.Service.Worker.Counters.Tiles);
    }

    [Fact]
    public async Task Refused_requests_leave_nothing_pending()
    {
        await Post("/v1/denoise", Support.Pictures.Raw(Support.Pictures.Encode(64, 64)[..^2000]));
        Assert.Equal((0, 0L), (fixture.Service.Admission.PendingRequests, fixture.Service.Admission.PendingPatches));
    }

    private Task<HttpResponseMessage> Post(string route, HttpContent content) => fixture.Service.CreateClient().PostAsync(route, content);
}
