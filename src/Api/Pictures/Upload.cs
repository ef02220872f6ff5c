using DenoiseService.Api.Errors;
using DenoiseService.Imaging;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Pictures;

/// <summary>A request's picture, still encoded, in an array of its own, and its parameters.</summary>
internal sealed record Upload(ReadOnlyMemory<byte> Bytes, RequestFields Fields);

/// <summary>
/// Takes the picture out of a request: the part `image` of multipart/form-data, or else the whole body, whatever its Content-Type says, for what it
/// is shows in its content. No more than the byte limit is ever held.
/// </summary>
internal sealed class UploadReader(IOptions<ImageOptions> options)
{
    private const string ImagePart = "image";
    private const int FirstBuffer = 1 << 20;
    private readonly long _maxBytes = options.Value.MaxBytes;

    /// <summary>Bytes that a request's body may come to: what it announces, at most what is read.</summary>
    public long LengthOf(HttpRequest request) => Math.Min(request.ContentLength ?? long.MaxValue, MostOf(request));

    /// <exception cref="ApiException">400 if there is not exactly one picture.</exception>
    /// <exception cref="ImageTooLargeException">More bytes than allowed.</exception>
    public async Task<Upload> ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        if (request.ContentLength > MostOf(request)) throw new ImageTooLargeException("bytes", _maxBytes, request.ContentLength.Value);
        return IsForm(request) ? await ReadFormAsync(request, cancellationToken) : new Upload(await ReadAllAsync(request.Body, request.ContentLength, cancellationToken), new RequestFields(request.Query, null));
    }

    private static bool IsForm(HttpRequest request) => request.ContentType?.StartsWith("multipart/form-data", StringComparison.OrdinalIgnoreCase) == true;

    private long MostOf(HttpRequest request) => IsForm(request) ? _maxBytes + ImageOptions.EnvelopeBytes : _maxBytes;

    private async Task<Upload> ReadFormAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        IFormCollection form = await FormOf(request, cancellationToken);
        if (form.Files.FirstOrDefault(f => f.Name != ImagePart) is { } other)
        {
            throw new ApiException(ProblemKind.InvalidUpload, $"The form has a file part that is not named {ImagePart}.") { Parameter = ImagePart, Actual = other.Name, Accepted = [ImagePart] };
        }

        if (form.Files.Count != 1)
        {
            string hint = form.ContainsKey(ImagePart) ? " A file part has a file name (curl: -F image=@photo.jpg)." : "";
            throw new ApiException(ProblemKind.InvalidUpload, $"The form has {form.Files.Count} file parts named {ImagePart}; it must have 1.{hint}") { Parameter = ImagePart, Limit = 1, Actual = form.Files.Count };
        }

        await using Stream content = form.Files[0].OpenReadStream();
        return new Upload(await ReadAllAsync(content, form.Files[0].Length, cancellationToken), new RequestFields(request.Query, form));
    }

    private async Task<IFormCollection> FormOf(HttpRequest request, CancellationToken cancellationToken)
    {
        try
        {
            return await request.ReadFormAsync(cancellationToken);
        }
        catch (InvalidDataException e) when (e.Message.StartsWith("Multipart body length limit", StringComparison.Ordinal))
        {
            throw new ApiException(ProblemKind.TooLarge, $"A part of the form has more than {_maxBytes} bytes.") { Parameter = "bytes", Limit = _maxBytes };
        }
    }

    private async Task<byte[]> ReadAllAsync(Stream body, long? announced, CancellationToken cancellationToken)
    {
        if (announced > _maxBytes) throw new ImageTooLargeException("bytes", _maxBytes, announced.Value);
        // An announced length is not believed before the bytes are there.
        using var buffer = new MemoryStream((int)Math.Min(announced ?? 0, FirstBuffer));
        byte[] chunk = new byte[64 << 10];
        for (int read; (read = await body.ReadAsync(chunk, cancellationToken)) > 0;)
        {
            if (buffer.Length + read > _maxBytes) throw new ImageTooLargeException("bytes", _maxBytes, buffer.Length + read);
            buffer.Write(chunk, 0, read);
        }

        if (buffer.Length == 0) throw new ApiException(ProblemKind.InvalidUpload, "The picture has 0 bytes.") { Parameter = ImagePart, Limit = "at least 1 byte", Actual = 0 };
        // A whole array: the codec copies parts of one, at every look.
        byte[] bytes = buffer.GetBuffer();
        return bytes.Length == buffer.Length ? bytes : buffer.ToArray();
    }
}
