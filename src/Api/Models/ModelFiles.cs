using System.Security.Cryptography;
using System.Text;
using DenoiseService.Api.Errors;
using DenoiseService.Api.Storage;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Net.Http.Headers;

namespace DenoiseService.Api.Models;

/// <summary>The two files of a version, as they go back into a models folder or an upload.</summary>
internal sealed class ModelFiles(ModelRegistry registry, BlobStore blobs)
{
    /// <summary>The media type of weights.</summary>
    public const string Octets = "application/octet-stream";

    /// <summary>The weights, verified before the first byte goes out: a client could not take them back.</summary>
    public async Task<FileStreamHttpResult> WeightsAsync(string reference, HttpResponse response, CancellationToken cancellationToken)
    {
        ModelVersion version = await registry.FindAsync(reference, cancellationToken);
        Stream stream = await OpenAsync(version, cancellationToken);
        // RFC 9530.
        response.Headers["Repr-Digest"] = $"sha-256=:{Convert.ToBase64String(Convert.FromHexString(version.Sha256))}:";
        return TypedResults.Stream(stream, Octets, version.Name + ".safetensors", entityTag: TagOf(version), enableRangeProcessing: true);
    }

    /// <summary>The card.</summary>
    public async Task<FileContentHttpResult> CardAsync(string reference, CancellationToken cancellationToken)
    {
        ModelVersion version = await registry.FindAsync(reference, cancellationToken);
        return TypedResults.Bytes(Encoding.UTF8.GetBytes(version.Card), "application/json", version.Name + ".json");
    }

    private async Task<Stream> OpenAsync(ModelVersion version, CancellationToken cancellationToken)
    {
        try
        {
            Stream stream = await blobs.OpenAsync(version.Sha256, cancellationToken);
            if (Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, cancellationToken)) != version.Sha256) throw new BlobException("The stored bytes are damaged.");
            stream.Position = 0;
            return stream;
        }
        catch (BlobException e)
        {
            throw new ApiException(ProblemKind.StoredDataDamaged, $"The weights of version {version.Id} cannot be given. {e.Message}") { Parameter = "sha256", Limit = version.Sha256 };
        }
    }

    private static EntityTagHeaderValue TagOf(ModelVersion version) => new($"\"{version.Sha256}\"");
}
