using System.Net;
using DenoiseService.Api.Storage;
using DenoiseService.Api.Webhooks;

namespace DenoiseService.Api.Tests.Webhooks;

public sealed class WebhookPartsTests
{
    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("10.1.2.3")]
    [InlineData("100.64.0.1")]
    [InlineData("127.0.0.1")]
    [InlineData("127.255.255.254")]
    [InlineData("169.254.169.254")]
    [InlineData("172.16.0.1")]
    [InlineData("172.31.255.255")]
    [InlineData("192.0.0.8")]
    [InlineData("192.168.1.1")]
    [InlineData("198.18.0.1")]
    [InlineData("224.0.0.1")]
    [InlineData("255.255.255.255")]
    [InlineData("::")]
    [InlineData("::1")]
    [InlineData("::ffff:127.0.0.1")]
    [InlineData("::ffff:192.168.1.1")]
    [InlineData("::10.0.0.1")]
    [InlineData("64:ff9b::10.0.0.1")]
    [InlineData("64:ff9b:1::1")]
    [InlineData("100::1")]
    [InlineData("2001::1")]
    [InlineData("2001:db8::1")]
    [InlineData("2002:7f00:1::1")]
    [InlineData("fc00::1")]
    [InlineData("fd12:3456::1")]
    [InlineData("fe80::1")]
    [InlineData("fe80::1%2")]
    [InlineData("fec0::1")]
    [InlineData("ff02::1")]
    public void Addresses_that_are_not_public_are_known(string address) => Assert.False(PublicAddresses.Contains(IPAddress.Parse(address)));

    [Theory]
    [InlineData("1.1.1.1")]
    [InlineData("11.0.0.1")]
    [InlineData("100.63.255.255")]
    [InlineData("172.32.0.1")]
    [InlineData("192.167.255.255")]
    [InlineData("223.255.255.255")]
    [InlineData("::ffff:8.8.8.8")]
    [InlineData("64:ff9b::8.8.8.8")]
    [InlineData("2001:4860:4860::8888")]
    [InlineData("2606:4700:4700::1111")]
    [InlineData("2a00:1450:4001:81b::200e")]
    public void Public_addresses_are_known(string address) => Assert.True(PublicAddresses.Contains(IPAddress.Parse(address)));

    [Fact]
    public void Signatures_are_those_of_the_specification() =>
        Assert.Equal("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", WebhookSecret.Sign(WebhookSecret.Parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")!, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, """{"test": 2432232314}"""));

    [Theory]
    [InlineData(23, false)]
    [InlineData(24, true)]
    [InlineData(64, true)]
    [InlineData(65, false)]
    [InlineData(1000, false)]
    public void A_secret_has_24_to_64_bytes(int bytes, bool taken)
    {
        string text = WebhookSecret.ToText(new byte[bytes]);
        Assert.Equal(taken, WebhookSecret.Parse(text) is { } parsed && WebhookSecret.ToText(parsed) == text);
        Assert.Null(WebhookSecret.Parse(text["whsec_".Length..]));
    }

    [Fact]
    public void Waits_double_up_to_six_hours_give_or_take_a_quarter()
    {
        TimeSpan first = TimeSpan.FromSeconds(5);
        Assert.Equal([5, 10, 20, 40, 20_480, 21_600, 21_600], ((int[])[1, 2, 3, 4, 13, 14, 1000]).Select(a => WebhookBackoff.After(a, first, 0.5).TotalSeconds));
        Assert.Equal((3.75, 6.25), (WebhookBackoff.After(1, first, 0).TotalSeconds, WebhookBackoff.After(1, first, 1).TotalSeconds));
    }

    [Theory]
    [InlineData("job.*", "job.failed", true)]
    [InlineData("job.*", "model.promoted", false)]
    [InlineData("job.failed", "job.failed", true)]
    [InlineData("job.failed", "job.succeeded", false)]
    [InlineData("job.failed,model.*", "model.registered", true)]
    [InlineData("job.*,model.*", "ping", false)]
    public void A_filter_names_types_or_families(string filter, string type, bool wanted) =>
        Assert.Equal(wanted, new Webhook { Id = "hook", Url = "https://example.org/", Events = filter, Secret = new byte[24], CreatedAt = default }.Wants(type));
}
