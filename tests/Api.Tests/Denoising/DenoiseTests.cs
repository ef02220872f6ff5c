using System.Net;
using System.Text;
using System.Text.Json;
using DenoiseService.Api.Tests.Support;
using DenoiseService.Imaging;
using NetVips;

namespace DenoiseService.Api.Tests.Denoising;

public sealed class DenoiseTests(Service service) : IClassFixture<Service>
{
    [Fact]
    public async Task A_posted_picture_comes_back_changed_in_its_own_format_and_size()
    {
        HttpClient client = await service.ReadyAsync();
        byte[] sent = Support.Pictures.Encode(50, 70);
        HttpResponseMessage response = await client.PostAsync("/v1/denoise", Support.Pictures.Raw(sent, "image/png"));
        Picture after = await PictureOf(response, "image/png");
        Assert.Equal((50, 70, 3, 8), (after.Height, after.Width, after.Channels, after.BitDepth));
        Assert.NotEqual(Support.Pictures.Decode(sent).Samples, after.Samples);
    }

    [Fact]
    public async Task Headers_tell_model_timings_request_id_and_that_Accept_matters()
    {
        HttpClient client = await service.ReadyAsync();
        var request = new HttpRequestMessage(HttpMethod.Post, "/v1/denoise") { Content = Support.Pictures.Raw(Support.Pictures.Encode(20, 20)), Headers = { { "X-Request-Id", "my-id.7" } } };
        HttpResponseMessage response = await client.SendAsync(request);
        Assert.Matches("^small@[0-9a-f]{12}$", Assert.Single(response.Headers.GetValues("X-Model-Version")));
        Assert.Matches(@"^decode;dur=[\d.]+, queue;dur=[\d.]+, device;dur=[\d.]+, encode;dur=[\d.]+, total;dur=[\d.]+$", Assert.Single(response.Headers.GetValues("Server-Timing")));
        Assert.Equal("my-id.7", Assert.Single(response.Headers.GetValues("X-Request-Id")));
        Assert.Equal("Accept", Assert.Single(response.Headers.GetValues("Vary")));
    }

    [Fact]
    public async Task A_request_id_that_is_not_plain_is_replaced()
    {
        HttpClient client = await service.ReadyAsync();
        var request = new HttpRequestMessage(HttpMethod.Get, "/version");
        request.Headers.TryAddWithoutValidation("X-Request-Id", "a b<script>");
        Assert.Matches("^[0-9a-f]{32}$", Assert.Single((await client.SendAsync(request)).Headers.GetValues("X-Request-Id")));
    }

    [Theory]
    [InlineData(1, 8)]
    [InlineData(3, 8)]
    [InlineData(1, 16)]
    [InlineData(3, 16)]
    public async Task Grey_stays_grey_and_16_bits_stay_16_bits(int channels, int bitDepth)
    {
        Picture after = await Denoise("", Support.Pictures.Encode(40, 300, channels, bitDepth));
        Assert.Equal((channels, bitDepth), (after.Channels, after.BitDepth));
        if (bitDepth == 16) Assert.True(after.Samples.Distinct().Count() > 1000, "No 8-bit step inside.");
    }

    [Fact]
    public async Task Alpha_and_the_colour_under_alpha_0_are_unchanged()
    {
        using Image coordinates = Image.Xyz(24, 24);
        using Image x = coordinates[0];
        using Image y = coordinates[1];
        using Image alpha = x * 11;
        using Image joined = (x * 9).Bandjoin(y * 10, x + y, alpha).Cast(NetVips.Enums.BandFormat.Uchar).Copy(interpretation: NetVips.Enums.Interpretation.Srgb);
        byte[] sent = joined.PngsaveBuffer();
        byte[] got = await (await Post("", Support.Pictures.Raw(sent))).Content.ReadAsByteArrayAsync();
        using Image before = Image.NewFromBuffer(sent), after = Image.NewFromBuffer(got);
        Assert.Equal(4, after.Bands);
        byte[] a = before.WriteToMemory<byte>(), b = after.WriteToMemory<byte>();
        Assert.NotEqual(a, b);
        for (int pixel = 0; pixel < 24 * 24; pixel++)
        {
            Assert.Equal(a[4 * pixel + 3], b[4 * pixel + 3]);
            if (a[4 * pixel + 3] == 0) Assert.Equal(a[(4 * pixel)..(4 * pixel + 3)], b[(4 * pixel)..(4 * pixel + 3)]);
        }
    }

    [Theory]
    [InlineData(8)]
    [InlineData(16)]
    public async Task Strength_0_returns_the_pixels_unchanged(int bitDepth)
    {
        byte[] sent = Support.Pictures.Encode(37, 41, bitDepth: bitDepth);
        Assert.Equal(Support.Pictures.Decode(sent).Samples, (await Denoise("?strength=0", sent)).Samples);
    }

    [Fact]
    public async Task Strength_blends_linearly()
    {
        byte[] sent = Support.Pictures.Encode(30, 30, bitDepth: 16);
        float[] none = Support.Pictures.Decode(sent).Samples, half = (await Denoise("?strength=0.5", sent)).Samples, full = (await Denoise("", sent)).Samples;
        for (int i = 0; i < none.Length; i++)
        {
            // At the ends of the range the full result is clipped after the blend.
            if (full[i] is > 0 and < 1) Assert.Equal((none[i] + full[i]) / 2, half[i], tolerance: 2e-5f);
        }
    }

    [Theory]
    [InlineData("png", "image/png")]
    [InlineData("jpeg", "image/jpeg")]
    [InlineData("webp", "image/webp")]
    [InlineData("tiff", "image/tiff")]
    [InlineData("bmp", "image/bmp")]
    [InlineData("avif", "image/avif")]
    public async Task Every_format_can_be_asked_for_and_sent(string format, string mediaType)
    {
        Picture there = await PictureOf(await Post($"?format={format}", Support.Pictures.Raw(Support.Pictures.Encode(33, 47))), mediaType);
        Assert.Equal((33, 47), (there.Height, there.Width));
        byte[] encoded = ImageCodec.Encode(there, there.SourceFormat);
        await PictureOf(await Post("", Support.Pictures.Raw(encoded, "text/plain")), mediaType); // recognised by content, answered in kind
    }

    [Theory]
    [InlineData("", "image/webp", "image/webp")]
    [InlineData("?format=png", "image/webp", "image/png")]
    [InlineData("", "*/*", "image/jpeg")]
    [InlineData("", "image/*", "image/jpeg")]
    [InlineData("", "image/avif;q=0.5, image/png;q=0.9, */*;q=0.1", "image/png")]
    [InlineData("", "image/png, image/jpeg", "image/jpeg")]
    [InlineData("", "text/html, image/tiff, image/png", "image/tiff")]
    [InlineData("", "image/jpeg;q=0, image/*", "image/png")]
    public async Task Format_beats_Accept_and_Accept_beats_the_input(string query, string accept, string expected)
    {
        HttpResponseMessage response = await Post(query, Support.Pictures.Raw(Support.Pictures.Encode(16, 16, format: ImageFormat.Jpeg)), accept);
        Assert.Equal(expected, response.Content.Headers.ContentType?.MediaType);
    }

    [Fact]
    public async Task Lossless_webp_stays_lossless()
    {
        byte[] sent = ImageCodec.Encode(Support.Pictures.Make(20, 20), ImageFormat.WebP, new EncodeOptions { Lossless = true });
        byte[] got = await (await Post("?strength=0", Support.Pictures.Raw(sent))).Content.ReadAsByteArrayAsync();
        Assert.Equal(Support.Pictures.Decode(sent).Samples, Support.Pictures.Decode(got).Samples);
        Assert.True(ImageCodec.ReadHeader(got, Support.Pictures.NoLimits).IsLossless);
    }

    [Fact]
    public async Task Form_fields_work_as_the_query_does_and_the_query_wins()
    {
        byte[] sent = Support.Pictures.Encode(20, 20);
        float[] before = Support.Pictures.Decode(sent).Samples;
        Picture byField = await PictureOf(await Post("", Support.Pictures.Form(sent, ("strength", "0"), ("format", "tiff"))), "image/tiff");
        Assert.Equal(before, byField.Samples);
        Picture byQuery = await PictureOf(await Post("?strength=1", Support.Pictures.Form(sent, ("strength", "0"))), "image/png");
        Assert.NotEqual(before, byQuery.Samples);
    }

    [Fact]
    public async Task A_body_without_a_content_type_is_taken_by_its_content()
    {
        HttpContent content = Support.Pictures.Raw(Support.Pictures.Encode(12, 12));
        content.Headers.ContentType = null;
        await PictureOf(await Post("", content), "image/png");
    }

    [Fact]
    public async Task IncludeRouting_answers_the_same_picture_and_its_map_from_one_pass()
    {
        byte[] sent = Support.Pictures.Encode(33, 47);
        byte[] alone = await (await Post("", Support.Pictures.Raw(sent))).Content.ReadAsByteArrayAsync();
        long tiles = service.Worker.Counters.Tiles;
        JsonElement answer = await (await Post("?includeRouting=true", Support.Pictures.Raw(sent), "application/json")).JsonAsync();
        Assert.Equal(4, service.Worker.Counters.Tiles - tiles);
        Assert.Equal("image/png", answer.GetProperty("mediaType").GetString());
        Assert.Equal(Support.Pictures.Decode(alone).Samples, Support.Pictures.Decode(answer.GetProperty("image").GetBytesFromBase64()).Samples);
        Assert.Equal((9, 12), (answer.GetProperty("routing").GetProperty("rows").GetInt32(), answer.GetProperty("routing").GetProperty("columns").GetInt32()));
        Assert.True(answer.GetProperty("timings").GetProperty("device").GetDouble() > 0);
        Assert.StartsWith("small@", answer.GetProperty("modelVersion").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_that_can_be_told_the_noise_level_reads_it_and_auto_is_the_default()
    {
        using var models = new ModelFolder();
        models.Add(ModelFolder.Small, ModelFolder.ToldConfig);
        await using var telling = new Service([], models);
        HttpClient client = await telling.ReadyAsync();
        byte[] sent = Support.Pictures.Encode(40, 40);
        float[] plain = await SamplesAsync("");
        Assert.Equal(plain, await SamplesAsync("?sigma=auto"));
        float[] little = await SamplesAsync("?sigma=0.05");
        Assert.NotEqual(plain, little);
        Assert.NotEqual(little, await SamplesAsync("?sigma=0.5"));
        Assert.NotEqual(await MapAsync(""), await MapAsync("?sigma=0.5"));
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync("/v1/compare?second=champion&sigma=0.1", Support.Pictures.Raw(sent))).StatusCode);

        async Task<float[]> SamplesAsync(string query) => (await PictureOf(await client.PostAsync("/v1/denoise" + query, Support.Pictures.Raw(sent)), "image/png")).Samples;

        async Task<string> MapAsync(string query) => JsonDocument.Parse(await (await client.PostAsync("/v1/routing-map" + query, Support.Pictures.Raw(sent))).Content.ReadAsStringAsync()).RootElement.GetProperty("blocks").ToString();
    }

    [Fact]
    public async Task Mode_high_takes_eight_times_the_tiles_and_the_place_in_the_queue_and_normal_is_the_default()
    {
        byte[] sent = Support.Pictures.Encode(50, 70);
        (float[] plain, long tiles) = await CountedAsync("");
        (float[] normal, long normalTiles) = await CountedAsync("?mode=normal");
        Assert.Equal(plain, normal);
        Assert.Equal(tiles, normalTiles);

        long before = service.Worker.Counters.Tiles;
        Task<HttpResponseMessage> waiting;
        using (await service.HoldAsync())
        {
            waiting = Post("", Support.Pictures.Form(sent, ("mode", "high")));
            await Service.UntilAsync(() => service.Admission.PendingRequests == 1, "admitted");
            Assert.Equal(8 * tiles * ModelFolder.SmallConfig.Tokens, service.Admission.PendingPatches);
        }

        Assert.NotEqual(plain, (await PictureOf(await waiting, "image/png")).Samples);
        Assert.Equal(8 * tiles, service.Worker.Counters.Tiles - before);

        async Task<(float[] Samples, long Tiles)> CountedAsync(string query)
        {
            await service.ReadyAsync();
            long first = service.Worker.Counters.Tiles;
            return ((await Denoise(query, sent)).Samples, service.Worker.Counters.Tiles - first);
        }
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 200)]
    [InlineData(3, 5)]
    [InlineData(97, 2)]
    public async Task Any_size_comes_back_in_that_size(int height, int width)
    {
        Picture after = await Denoise("", Support.Pictures.Encode(height, width));
        Assert.Equal((height, width), (after.Height, after.Width));
    }

    private async Task<Picture> Denoise(string query, byte[] sent) => await PictureOf(await Post(query, Support.Pictures.Raw(sent)), "image/png");

    private async Task<HttpResponseMessage> Post(string query, HttpContent content, string? accept = null)
    {
        HttpClient client = await service.ReadyAsync();
        var request = new HttpRequestMessage(HttpMethod.Post, "/v1/denoise" + query) { Content = content };
        if (accept is not null) request.Headers.TryAddWithoutValidation("Accept", accept);
        return await client.SendAsync(request);
    }

    private static async Task<Picture> PictureOf(HttpResponseMessage response, string mediaType)
    {
        byte[] bytes = await response.Content.ReadAsByteArrayAsync();
        Assert.True(response.StatusCode == HttpStatusCode.OK, Encoding.UTF8.GetString(bytes));
        Assert.Equal(mediaType, response.Content.Headers.ContentType?.MediaType);
        return Support.Pictures.Decode(bytes);
    }
}
