using System.Net;
using System.Net.Sockets;

namespace DenoiseService.Api.Webhooks;

/// <summary>Which addresses belong to the Internet at large, after IANA's registries of special-purpose addresses: nobody may use the service to reach what only it can reach.</summary>
internal static class PublicAddresses
{
    private static readonly IPNetwork[] Special4 = Parse(
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4");

    // All that is given out lies in here; loopback, link-local, unique-local and multicast do not.
    private static readonly IPNetwork Global6 = IPNetwork.Parse("2000::/3");

    // Among them tunnels, which would lead to any IPv4 address.
    private static readonly IPNetwork[] Special6 = Parse("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20");

    // IPv4 behind a translator.
    private static readonly IPNetwork Translated = IPNetwork.Parse("64:ff9b::/96");

    /// <summary>Whether an address is one of them.</summary>
    public static bool Contains(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) return Contains(address.MapToIPv4());
        if (address.AddressFamily == AddressFamily.InterNetwork) return !Special4.Any(n => n.Contains(address));
        if (Translated.Contains(address)) return Contains(new IPAddress(address.GetAddressBytes().AsSpan(12)));
        return Global6.Contains(address) && !Special6.Any(n => n.Contains(address));
    }

    private static IPNetwork[] Parse(params string[] networks) => [.. networks.Select(n => IPNetwork.Parse(n))];
}
