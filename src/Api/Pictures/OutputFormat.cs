using System.Net.Mime;
using DenoiseService.Api.Errors;
using DenoiseService.Imaging;
using Microsoft.Net.Http.Headers;

namespace DenoiseService.Api.Pictures;

/// <summary>Which format a picture is answered in: the parameter, else what Accept prefers, else the input's own.</summary>
internal static class OutputFormat
{
    /// <exception cref="ApiException">406 if Accept has none of the formats.</exception>
    /// <exception cref="ImageTooLargeException">The format cannot hold a picture of this size.</exception>
    public static ImageFormat Choose(ImageFormat? asked, HttpRequest request, ImageHeader header)
    {
        ImageFormat format = asked ?? Preferred(request, header.Format);
        int side = Math.Max(header.Width, header.Height), most = ImageFormats.MaxSide(format);
        return side <= most ? format : throw new ImageTooLargeException("side", most, side);
    }

    /// <summary>Whether Accept takes a media type, and how gladly: 0 to 1.</summary>
    public static double QualityOf(string mediaType, IList<MediaTypeHeaderValue> accept)
    {
        if (accept.Count == 0) return 1;
        var type = new MediaTypeHeaderValue(mediaType);
        // The most specific range decides: image/png before image/* before */*.
        MediaTypeHeaderValue? range = accept.Where(type.IsSubsetOf).OrderBy(a => a.MatchesAllTypes ? 2 : a.MatchesAllSubTypes ? 1 : 0).FirstOrDefault();
        return range is null ? 0 : range.Quality ?? 1;
    }

    /// <summary>For answers that are JSON or a PNG: whether Accept likes the PNG better.</summary>
    /// <exception cref="ApiException">406 if Accept takes neither.</exception>
    public static bool PrefersPng(HttpRequest request)
    {
        IList<MediaTypeHeaderValue> accept = request.GetTypedHeaders().Accept;
        string type = ImageFormats.MediaType(ImageFormat.Png);
        double json = QualityOf(MediaTypeNames.Application.Json, accept), png = QualityOf(type, accept);
        if (json == 0 && png == 0) throw NotAcceptable([MediaTypeNames.Application.Json, type], request);
        return png > json;
    }

    /// <summary>A refusal that lists what there is.</summary>
    public static ApiException NotAcceptable(IReadOnlyList<string> offered, HttpRequest request) =>
        new(ProblemKind.NotAcceptable, $"Accept takes none of {string.Join(", ", offered)}.") { Parameter = "Accept", Actual = request.Headers.Accept.ToString(), Accepted = offered };

    private static ImageFormat Preferred(HttpRequest request, ImageFormat input)
    {
        IList<MediaTypeHeaderValue> accept = request.GetTypedHeaders().Accept;
        // Among equals the input's own format wins, then the order in which Accept names them.
        var best = ImageFormats.All
            .Select(f => (Format: f, Quality: QualityOf(ImageFormats.MediaType(f), accept), Place: Place(f)))
            .OrderByDescending(c => c.Quality).ThenByDescending(c => c.Format == input).ThenBy(c => c.Place).First();
        return best.Quality > 0 ? best.Format : throw NotAcceptable(ImageFormats.AcceptedMediaTypes, request);

        int Place(ImageFormat format)
        {
            int place = accept.ToList().FindIndex(a => ImageFormats.MediaType(format).Equals(a.MediaType.Value, StringComparison.OrdinalIgnoreCase));
            return place < 0 ? int.MaxValue : place;
        }
    }
}
