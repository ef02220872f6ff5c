using System.Net;
using System.Net.Mime;
using System.Net.Sockets;
using System.Text;
using DenoiseService.Api.Storage;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Webhooks;

/// <summary>What came of an attempt.</summary>
/// <param name="Status">HTTP status; null if none came.</param>
/// <param name="Error">Why none came.</param>
internal sealed record DeliveryOutcome(int? Status, DeliveryError? Error);

/// <summary>
/// Sends one message once. Addresses are looked at after the name was resolved and used as they were looked at; redirects are not followed, nor a proxy asked, for either would lead elsewhere.
/// The answer's body is not read. One handler of its own: those of the factory log addresses, which may hold secrets.
/// </summary>
internal sealed class WebhookSender : IDisposable
{
    private readonly HttpClient _client;
    private readonly WebhooksOptions _options;
    private readonly TimeProvider _time;

    public WebhookSender(IOptions<WebhooksOptions> options, TimeProvider time)
    {
        (_options, _time) = (options.Value, time);
        _client = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = ConnectAsync, AllowAutoRedirect = false, UseProxy = false, UseCookies = false, ActivityHeadersPropagator = null,
            ConnectTimeout = _options.Attempt, PooledConnectionLifetime = TimeSpan.FromMinutes(2), MaxResponseHeadersLength = 16,
        }) { Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <summary>One attempt, within its time.</summary>
    /// <exception cref="OperationCanceledException">The token; running out of time is an outcome.</exception>
    public async Task<DeliveryOutcome> SendAsync(Webhook webhook, WebhookDelivery delivery, CancellationToken cancellationToken)
    {
        var url = new Uri(webhook.Url);
        if (url.Scheme != Uri.UriSchemeHttps && !_options.AllowPrivateAddresses) return new DeliveryOutcome(null, DeliveryError.HttpRefused);
        using var clock = new CancellationTokenSource(_options.Attempt, _time);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(clock.Token, cancellationToken);
        try
        {
            using HttpRequestMessage request = Request(url, webhook.Secret, delivery);
            using HttpResponseMessage response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, end.Token);
            return new DeliveryOutcome((int)response.StatusCode, null);
        }
        catch (HttpRequestException e)
        {
            return new DeliveryOutcome(null, ErrorOf(e));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new DeliveryOutcome(null, DeliveryError.Timeout);
        }
    }

    public void Dispose() => _client.Dispose();

    private HttpRequestMessage Request(Uri url, byte[] secret, WebhookDelivery delivery)
    {
        long now = _time.GetUtcNow().ToUnixTimeSeconds();
        var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(delivery.Body)) };
        request.Content.Headers.ContentType = new(MediaTypeNames.Application.Json);
        request.Headers.UserAgent.ParseAdd("DenoiseService");
        request.Headers.Add("webhook-id", delivery.Id);
        request.Headers.Add("webhook-timestamp", now.ToString(System.Globalization.CultureInfo.InvariantCulture));
        request.Headers.Add("webhook-signature", WebhookSecret.Sign(secret, delivery.Id, now, delivery.Body));
        return request;
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        IPAddress[] addresses = await Dns.GetHostAddressesAsync(context.DnsEndPoint.Host, cancellationToken);
        if (!_options.AllowPrivateAddresses) addresses = [.. addresses.Where(PublicAddresses.Contains)];
        if (addresses.Length == 0) throw new AddressRefusedException();
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, context.DnsEndPoint.Port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static DeliveryError ErrorOf(HttpRequestException e) => e.GetBaseException() is AddressRefusedException ? DeliveryError.AddressRefused : e.HttpRequestError switch
    {
        HttpRequestError.NameResolutionError => DeliveryError.NameNotResolved,
        HttpRequestError.ConnectionError => DeliveryError.NotConnected,
        HttpRequestError.SecureConnectionError => DeliveryError.TlsFailed,
        _ => DeliveryError.InvalidAnswer,
    };

    /// <summary>A host has no address that may be sent to.</summary>
    private sealed class AddressRefusedException() : IOException("None of the host's addresses is public.");
}
