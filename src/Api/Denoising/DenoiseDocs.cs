using DenoiseService.Api.OpenApi;
using DenoiseService.Api.Pictures;
using DenoiseService.Imaging;
using Microsoft.OpenApi;

namespace DenoiseService.Api.Denoising;

/// <summary>What the OpenAPI document says of the route.</summary>
internal static class DenoiseDocs
{
    public static PictureRouteDocs Route { get; } = new(
        [
            new("strength", "0 keeps the picture, 1 takes the network's result, between them a linear blend.", () => new OpenApiSchema { Type = JsonSchemaType.Number, Minimum = "0", Maximum = "1", Default = 1, Examples = [0.8] }),
            PictureRouteDocs.Sigma,
            PictureRouteDocs.Mode,
            new("format", "Format of the answer; absent, Accept decides, and then the input's own format. Lossless input stays lossless.", () => new OpenApiSchema { Type = JsonSchemaType.String, Enum = [.. RequestFields.FormatNames], Examples = ["png"] }),
            PictureRouteDocs.Model,
            new("includeRouting", "Answer JSON with the picture (base64) and its routing map, from the same pass.", () => new OpenApiSchema { Type = JsonSchemaType.Boolean, Default = false }),
            new("color", "keep: the colour profile is embedded again; srgb: the picture is converted to sRGB.", () => new OpenApiSchema { Type = JsonSchemaType.String, Enum = ["keep", "srgb"], Default = "keep" }),
        ],
        ImageFormats.AcceptedMediaTypes, typeof(DenoisedWithRouting), "The clean picture; with includeRouting=true JSON.");
}
