using Microsoft.OpenApi;

namespace DenoiseService.Api.OpenApi;

/// <summary>One parameter of a route that takes a picture; it may stand in the query or in the form.</summary>
/// <param name="Name">As written in the request.</param>
/// <param name="Description">What it does.</param>
/// <param name="Schema">Makes its type, bounds, default and example.</param>
internal sealed record FieldDocs(string Name, string Description, Func<OpenApiSchema> Schema);

/// <summary>Metadata of a route that takes a picture: what the document says beyond what its handler's signature shows.</summary>
/// <param name="Fields">Its parameters.</param>
/// <param name="PictureAnswers">Media types of the pictures that it answers.</param>
/// <param name="JsonAnswer">What its JSON holds.</param>
/// <param name="Answer">What the successful answer is.</param>
internal sealed record PictureRouteDocs(IReadOnlyList<FieldDocs> Fields, IReadOnlyList<string> PictureAnswers, Type JsonAnswer, string Answer)
{
    /// <summary>The parameter of the routes that run a network.</summary>
    public static FieldDocs Sigma { get; } = new("sigma", "Standard deviation of the picture's noise, 0 to 1, where 1 is white (25/255 is 0.098), for a model that can be told (noiseLevelInput of its configuration). auto: the network estimates it. Telling pays where the noise is faint and known; and where it is correlated between pixels (grain, demosaicing, downscaling), which the estimate sees only where it is strong: there twice its standard deviation removes more than half of the squared error. denoise-small was trained up to 0.35.", () => new OpenApiSchema { Type = JsonSchemaType.String, Default = "auto", Examples = ["0.02"] });

    /// <summary>The parameter of the routes that run one model on one picture.</summary>
    public static FieldDocs Mode { get; } = new("mode", "normal: the network looks at the picture once. high: 8 times, turned and flipped, and the mean is taken; that costs 8 times the patches and about 8 times the time.", () => new OpenApiSchema { Type = JsonSchemaType.String, Enum = ["normal", "high"], Default = "normal" });

    /// <summary>The parameter of the routes that run one model.</summary>
    public static FieldDocs Model { get; } = new("model", "A model version (GET /v1/models): its id, an alias (champion, candidate, previous), name@checksum as in X-Model-Version, or a name, which means the newest version of it. The champion if absent.", () => new OpenApiSchema { Type = JsonSchemaType.String, Examples = ["champion"] });
}
