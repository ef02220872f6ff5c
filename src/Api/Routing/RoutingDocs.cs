using DenoiseService.Api.OpenApi;
using Microsoft.OpenApi;

namespace DenoiseService.Api.Routing;

/// <summary>What the OpenAPI document says of the route.</summary>
internal static class RoutingDocs
{
    public static PictureRouteDocs Route { get; } = new(
        [
            PictureRouteDocs.Model,
            PictureRouteDocs.Sigma,
            PictureRouteDocs.Mode,
            new("block", "Block of the network, from 0: the one that the overlay shows (0 if absent), the only one in the JSON (all if absent).", () => new OpenApiSchema { Type = JsonSchemaType.Integer, Minimum = "0", Examples = [0] }),
        ],
        [RoutingOperation.Png], typeof(RoutingReport), "The routing map; with Accept: image/png an overlay.");
}
