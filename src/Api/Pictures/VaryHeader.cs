using Microsoft.Net.Http.Headers;

namespace DenoiseService.Api.Pictures;

/// <summary>The format of an answer depends on Accept, and caches must know, also of a refusal.</summary>
internal static class VaryHeader
{
    /// <summary>Set when the answer starts, so that nothing on the way clears it.</summary>
    public static void VaryByAccept(this HttpResponse response) => response.OnStarting(() =>
    {
        response.Headers.Vary = HeaderNames.Accept;
        return Task.CompletedTask;
    });
}
