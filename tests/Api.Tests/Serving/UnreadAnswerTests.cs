using System.Net;
using System.Net.Sockets;
using DenoiseService.Api.Tests.Support;
using DenoiseService.Imaging;

namespace DenoiseService.Api.Tests.Serving;

public sealed class UnreadAnswerTests
{
    private const int Side = 3000; // as a bitmap more than any socket's buffers hold

    private static readonly byte[] Large = ImageCodec.Encode(new Picture(new float[3 * Side * Side], 3, Side, Side), ImageFormat.Png), Small = Support.Pictures.Encode(8, 8);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_place_is_held_until_the_answer_has_been_sent_or_its_client_has_gone(bool goes)
    {
        await using var service = new Service(new() { ["Inference:MaxQueuedRequests"] = "1", ["Urls"] = "http://127.0.0.1:0" });
        service.UseKestrel(0); // a real connection that really closes
        HttpClient client = await service.ReadyAsync();
        using HttpClient slow = SlowReader(client.BaseAddress!);
        using HttpResponseMessage answer = await PostAsync(slow);
        long length = answer.Content.Headers.ContentLength!.Value;
        Assert.InRange(length, 3 * Side * Side, long.MaxValue);
        await Task.Delay(200); // what the buffers hold is sent
        Assert.Equal((1, Large.Length + length), (service.Admission.OpenRequests, service.Admission.OpenBytes));
        await (await client.PostAsync("/v1/denoise", Support.Pictures.Raw(Small))).ProblemAsync(HttpStatusCode.TooManyRequests, "queue-full");
        if (goes) answer.Dispose();
        else Assert.Equal(length, (await answer.Content.ReadAsByteArrayAsync()).LongLength);
        await Service.UntilAsync(() => service.Admission is { OpenRequests: 0, OpenBytes: 0 }, "the place was given back");
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync("/v1/denoise", Support.Pictures.Raw(Small))).StatusCode);
    }

    [Fact]
    public async Task Who_does_not_read_the_answer_in_time_is_cut_off_and_loses_the_place()
    {
        var time = new ManualTime();
        await using var service = new Service(new() { ["Inference:RequestTimeoutSeconds"] = "1", ["Urls"] = "http://127.0.0.1:0" }, time: time);
        service.UseKestrel(0);
        HttpClient client = await service.ReadyAsync();
        using HttpClient slow = SlowReader(client.BaseAddress!);
        using HttpResponseMessage answer = await PostAsync(slow);
        time.Advance(TimeSpan.FromMilliseconds(1999));
        await Task.Delay(200);
        Assert.Equal(1, service.Admission.OpenRequests);
        time.Advance(TimeSpan.FromMilliseconds(2));
        await Service.UntilAsync(() => service.Admission is { OpenRequests: 0, OpenBytes: 0 }, "the place was given back");
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => answer.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task Every_answer_gives_its_place_back_and_so_does_every_refusal()
    {
        await using var service = new Service();
        HttpClient client = await service.ReadyAsync();
        byte[] truncated = Support.Pictures.Encode(64, 64)[..^2000];
        foreach (string route in (string[])["/v1/denoise", "/v1/denoise?includeRouting=true", "/v1/routing-map", "/v1/compare?second=champion&includeImages=true"])
        {
            Assert.Equal(HttpStatusCode.OK, (await client.PostAsync(route, Support.Pictures.Raw(Small))).StatusCode);
            await (await client.PostAsync(route, Support.Pictures.Raw(truncated))).ProblemAsync(HttpStatusCode.UnprocessableEntity, "corrupt-image");
            await Service.UntilAsync(() => service.Admission is { OpenRequests: 0, OpenBytes: 0 }, $"all places given back: {route}");
        }
    }

    private static async Task<HttpResponseMessage> PostAsync(HttpClient client)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/v1/denoise?strength=0&format=bmp") { Content = Support.Pictures.Raw(Large) };
        HttpResponseMessage answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return answer;
    }

    /// <summary>A client whose system takes in little of what nobody has read.</summary>
    private static HttpClient SlowReader(Uri server) => new(new SocketsHttpHandler
    {
        ConnectCallback = async (connection, cancellationToken) =>
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 64 << 10 };
            await socket.ConnectAsync(connection.DnsEndPoint, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        },
    }) { BaseAddress = server };
}
