using System.Globalization;
using System.Text.Json;
using DenoiseService.Api.Models;
using DenoiseService.Api.Pictures;
using DenoiseService.Api.Storage;
using DenoiseService.Imaging;
using Microsoft.AspNetCore.Http.Features;

namespace DenoiseService.Api.Errors;

/// <summary>The one place that decides what an exception means to a client.</summary>
internal static class ExceptionTable
{
    public static ApiException Translate(Exception exception, HttpContext context) => exception switch
    {
        ApiException known => known,
        UnsupportedImageException e => new(ProblemKind.UnsupportedImage, e.Message) { Accepted = e.Accepted },
        ImageTooLargeException e => new(ProblemKind.TooLarge, e.Message) { Parameter = e.Limit, Limit = Rounded(e.Allowed), Actual = Rounded(e.Actual) },
        ModelLoadException e => new(ProblemKind.ModelRefused, e.Message),
        BlobException e => new(ProblemKind.StoredDataDamaged, e.Message),
        CorruptImageException e => new(ProblemKind.CorruptImage, e.Message),
        OperationCanceledException when context.RequestAborted.IsCancellationRequested => new(ProblemKind.ClientClosed, "The client closed the connection."),
        OperationCanceledException => new(ProblemKind.DeadlineExceeded, "The request's time limit passed before the answer was there."),
        BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } e => new(ProblemKind.TooLarge, e.Message)
        {
            Parameter = "bytes",
            Limit = context.Features.Get<IHttpMaxRequestBodySizeFeature>()?.MaxRequestBodySize,
            Actual = context.Request.ContentLength,
        },
        BadHttpRequestException { InnerException: JsonException json } => new(ProblemKind.BadRequest, json.Path is { Length: > 0 } path ? $"The JSON body cannot be read at {path}." : "The body is not valid JSON.") { Parameter = json.Path },
        BadHttpRequestException e => new(ProblemKind.OfStatus(e.StatusCode), e.Message),
        InvalidDataException e when FormLimits.Passed(e, ProblemKind.TooLarge) is { } passed => passed,
        InvalidDataException or IOException { HResult: OfTheBody } => new(ProblemKind.BadRequest, "The body ends early or is not valid multipart/form-data."),
        _ when StorageErrors.IsUnavailable(exception) => new(ProblemKind.StorageUnavailable, "The database is away or busy; try again.") { RetryAfter = TimeSpan.FromSeconds(5) },
        _ => new(ProblemKind.Internal, "An unexpected error; the server's log has it under this request id."),
    };

    // What a body's reader throws; errors of the disk carry the system's number, and are ours.
    private const int OfTheBody = unchecked((int)0x80131620); // COR_E_IO

    // Megapixels come with a binary fraction's tail.
    private static double Rounded(double value) => double.Parse(value.ToString("0.######", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
}
