using DenoiseService.Api.Errors;
using DenoiseService.Api.Pictures;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Models;

/// <summary>Takes a checkpoint out of a form: the file parts `weights` and `card`, the field `name`. No more than the byte limit is ever held.</summary>
internal sealed class CheckpointUpload(IOptions<ModelsOptions> options)
{
    /// <summary>What a form may have beside its files: boundaries, part headers, fields. Bytes.</summary>
    public const int EnvelopeBytes = 64 << 10;

    /// <summary>Of a card: lists show many of them.</summary>
    public const int MaxCardBytes = 256 << 10;

    private const string WeightsPart = "weights", CardPart = "card";

    /// <exception cref="ApiException">400 if it is no such form, 413 if it is too large.</exception>
    public async Task<NewCheckpoint> ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        long most = options.Value.MaxUploadBytes;
        if (request.ContentLength > most + EnvelopeBytes) throw TooLarge(request.ContentLength);
        if (request.HttpContext.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } server) server.MaxRequestBodySize = most + EnvelopeBytes;
        IFormCollection form = await FormAsync(request, most + EnvelopeBytes, cancellationToken);
        if (form.Files.FirstOrDefault(f => f.Name is not (WeightsPart or CardPart)) is { } other) throw Invalid("The form has a file part that is neither weights nor card.", other.Name);
        IFormFile weights = Single(form, WeightsPart) ?? throw Invalid($"The form has no file part named {WeightsPart}. A file part has a file name (curl: -F weights=@model.safetensors).", "none");
        IFormFile? card = Single(form, CardPart);
        if (weights.Length + (card?.Length ?? 0) is long sum && sum > most) throw TooLarge(sum);
        if (card?.Length > MaxCardBytes) throw new ApiException(ProblemKind.CheckpointTooLarge, $"The card has more than {MaxCardBytes} bytes.") { Parameter = CardPart, Limit = MaxCardBytes, Actual = card.Length };
        string name = form.TryGetValue("name", out var given) && given.Count == 1 ? given.ToString() : Path.GetFileNameWithoutExtension(weights.FileName.Split('/', '\\')[^1]);
        if (!ModelNames.IsName(name)) throw new ApiException(ProblemKind.InvalidParameter, "name must be 1 to 100 letters, digits, dots, dashes and underscores, and none of the aliases; absent, the weights' file name counts.") { Parameter = "name", Limit = ModelNames.Pattern, Actual = Excerpt.Of(name) };
        return new NewCheckpoint(name, await BytesAsync(weights, cancellationToken), card is null ? null : await BytesAsync(card, cancellationToken));
    }

    private async Task<IFormCollection> FormAsync(HttpRequest request, long most, CancellationToken cancellationToken)
    {
        if (!request.HasFormContentType) throw Invalid("The body is not multipart/form-data.", "no form");
        try
        {
            return await new FormFeature(request, new FormOptions().Bounded(most)).ReadFormAsync(cancellationToken);
        }
        catch (Exception e) when (e is BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } || (e is InvalidDataException && e.Message.StartsWith("Multipart body length limit", StringComparison.Ordinal)))
        {
            throw TooLarge(null);
        }
        catch (InvalidDataException e) when (FormLimits.Passed(e, ProblemKind.CheckpointTooLarge) is { } passed)
        {
            throw passed;
        }
    }

    private static IFormFile? Single(IFormCollection form, string part) => form.Files.Where(f => f.Name == part).ToArray() switch
    {
        [] => null,
        [var only] => only,
        var several => throw Invalid($"The form has {several.Length} file parts named {part}; it may have 1.", part),
    };

    private static async Task<byte[]> BytesAsync(IFormFile file, CancellationToken cancellationToken)
    {
        byte[] bytes = new byte[file.Length];
        await using Stream content = file.OpenReadStream();
        await content.ReadExactlyAsync(bytes, cancellationToken);
        return bytes;
    }

    private static ApiException Invalid(string sentence, string actual) => new(ProblemKind.InvalidCheckpointUpload, sentence) { Actual = Excerpt.Of(actual), Accepted = [WeightsPart, CardPart] };

    private ApiException TooLarge(long? actual) =>
        new(ProblemKind.CheckpointTooLarge, $"The checkpoint has more than {options.Value.MaxUploadBytes} bytes.") { Parameter = "bytes", Limit = options.Value.MaxUploadBytes, Actual = actual };
}
