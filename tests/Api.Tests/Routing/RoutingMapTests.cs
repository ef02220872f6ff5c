using System.Net;
using System.Text.Json;
using DenoiseService.Api.Tests.Support;
using DenoiseService.Imaging;

namespace DenoiseService.Api.Tests.Routing;

public sealed class RoutingMapTests(Service service) : IClassFixture<Service>
{
    [Fact]
    public async Task Map_of_33_by_47_has_the_ceiling_grid_marks_padded_patches_and_counts_the_real_ones()
    {
        JsonElement map = await (await Post("", 33, 47)).JsonAsync();
        Assert.Equal((9, 12, 4, 33, 47), (Int(map, "rows"), Int(map, "columns"), Int(map, "patchSide"), Int(map, "height"), Int(map, "width")));
        Assert.Equal([4, 16, 64], map.GetProperty("keysAttended").EnumerateArray().Select(k => k.GetInt32()));
        Assert.Equal(2, map.GetProperty("blocks").GetArrayLength());
        foreach (JsonElement block in map.GetProperty("blocks").EnumerateArray())
        {
            int[] chosen = [.. block.GetProperty("chosenExperts").EnumerateArray().Select(c => c.GetInt32())];
            double[] probabilities = [.. block.GetProperty("probabilities").EnumerateArray().Select(p => p.GetDouble())];
            Assert.Equal((9 * 12, 9 * 12 * 3), (chosen.Length, probabilities.Length));
            for (int i = 0; i < chosen.Length; i++)
            {
                bool padded = i / 12 == 8 || i % 12 == 11; // 33 = 8 patches and a pixel, 47 = 11 patches and 3 pixels
                double[] p = probabilities[(3 * i)..(3 * i + 3)];
                if (padded)
                {
                    Assert.Equal(-1, chosen[i]);
                    Assert.All(p, value => Assert.Equal(-1, value));
                    continue;
                }

                Assert.Equal(1, p.Sum(), 3);
                Assert.Equal(p.Max(), p[chosen[i]]);
            }

            Assert.Equal(8 * 11, block.GetProperty("counts").EnumerateArray().Sum(c => c.GetInt32()));
            Assert.InRange(block.GetProperty("meanKeys").GetDouble(), 4, 64);
            Assert.InRange(block.GetProperty("entropy").GetDouble(), 0, 1);
            Assert.Equal(3, block.GetProperty("edgeCorrelation").GetArrayLength());
            Assert.All(block.GetProperty("edgeCorrelation").EnumerateArray(), c => Assert.InRange(c.GetDouble(), -1, 1));
        }
    }

    [Fact]
    public async Task Accept_png_answers_an_overlay_of_the_pictures_size_that_differs_between_blocks()
    {
        var overlays = new List<float[]>();
        foreach (string query in (string[])["?block=0", "?block=1", ""])
        {
            HttpResponseMessage response = await Post(query, 33, 47, "image/png");
            Assert.Equal("image/png", response.Content.Headers.ContentType?.MediaType);
            Picture overlay = Support.Pictures.Decode(await response.Content.ReadAsByteArrayAsync());
            Assert.Equal((33, 47, 3), (overlay.Height, overlay.Width, overlay.Channels));
            overlays.Add(overlay.Samples);
        }

        Assert.Equal(overlays[0], overlays[2]);
        float[] sent = Support.Pictures.Decode(Support.Pictures.Encode(33, 47)).Samples;
        Assert.NotEqual(sent, overlays[0]);
        Assert.Equal(sent[(32 * 47)..(33 * 47)], overlays[0][(32 * 47)..(33 * 47)]); // the last row belongs to no whole patch
    }

    [Fact]
    public async Task Block_restricts_the_json_to_one_block()
    {
        JsonElement blocks = (await (await Post("?block=1", 16, 16)).JsonAsync()).GetProperty("blocks");
        Assert.Equal(1, Int(Assert.Single(blocks.EnumerateArray()), "block"));
    }

    [Fact]
    public async Task Mode_high_answers_the_mean_map_of_eight_passes()
    {
        long before = service.Worker.Counters.Tiles;
        JsonElement once = (await (await Post("", 16, 16)).JsonAsync()).GetProperty("blocks")[0], mean = (await (await Post("?mode=high", 16, 16)).JsonAsync()).GetProperty("blocks")[0];
        Assert.Equal(1 + 8, service.Worker.Counters.Tiles - before);
        double[] probabilities = [.. mean.GetProperty("probabilities").EnumerateArray().Select(p => p.GetDouble())];
        Assert.NotEqual(once.GetProperty("probabilities").EnumerateArray().Select(p => p.GetDouble()), probabilities);
        Assert.Equal(16, probabilities.Sum(), 2);
    }

    [Fact]
    public async Task A_picture_below_one_patch_has_only_padded_patches()
    {
        JsonElement block = (await (await Post("", 3, 2)).JsonAsync()).GetProperty("blocks")[0];
        Assert.Equal(-1, block.GetProperty("chosenExperts")[0].GetInt32());
        Assert.Equal(0, block.GetProperty("counts").EnumerateArray().Sum(c => c.GetInt32()));
        Assert.Equal(JsonValueKind.Null, block.GetProperty("meanKeys").ValueKind);
    }

    private async Task<HttpResponseMessage> Post(string query, int height, int width, string accept = "*/*")
    {
        HttpClient client = await service.ReadyAsync();
        HttpResponseMessage response = await client.SendAsync(new HttpRequestMessage(HttpMethod.Post, "/v1/routing-map" + query)
        {
            Content = Support.Pictures.Raw(Support.Pictures.Encode(height, width)),
            Headers = { { "Accept", accept } },
        });
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return response;
    }

    private static int Int(JsonElement json, string name) => json.GetProperty(name).GetInt32();
}
