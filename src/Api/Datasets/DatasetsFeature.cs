using DenoiseService.Api.Access;
using DenoiseService.Api.Errors;
using DenoiseService.Api.OpenApi;
using DenoiseService.Api.Settings;
using DenoiseService.Api.Storage;
using Microsoft.AspNetCore.Http.HttpResults;

namespace DenoiseService.Api.Datasets;

/// <summary>Pictures that jobs learn from: built in, or uploaded as a zip.</summary>
internal static class DatasetsFeature
{
    public static IServiceCollection AddDatasets(this IServiceCollection services)
    {
        services.AddValidatedOptions<DatasetsOptions>(DatasetsOptions.Section);
        services.AddSingleton<DatasetCatalog>();
        services.AddSingleton<DatasetUpload>();
        return services.AddSingleton<DatasetRemoval>();
    }

    public static void MapDatasets(this IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder group = routes.MapGroup("/v1/datasets").WithTags("Data sets"), reads = group.MapGroup("").RequireScope(KeyScopes.Read), admin = group.MapGroup("").RequireScope(KeyScopes.Admin);
        reads.MapGet("", List).WithName("listDatasets").WithSummary("Lists the data sets").WithDescription("`sample` ships with the service, `cifar10` is there where a folder is configured, the others were uploaded.").WithAnswer(200, "All data sets.").Problems();
        reads.MapGet("{name}", Get).WithName("getDataset").WithSummary("Shows one data set").WithDescription("With what became of every file of its upload.").WithAnswer(200, "The data set.").Problems(ProblemKind.UnknownDataset);
        admin.MapPost("", Upload).WithName("uploadDataset").WithSummary("Uploads a data set").WithDescription("The body is a zip of pictures. Duplicates are dropped, files that are no usable pictures are reported one by one; an archive above a limit, or with a name that leads out of it, is refused as a whole.")
            .Accepts<IFormFile>("application/zip", "application/octet-stream").WithAnswer(201, "The data set, with what became of every file.").Problems(ProblemKind.InvalidParameter, ProblemKind.DatasetExists, ProblemKind.TooLarge, ProblemKind.UnsupportedMediaType, ProblemKind.InvalidArchive).DisableAntiforgery();
        admin.MapDelete("{name}", Delete).WithName("deleteDataset").WithSummary("Deletes an uploaded data set").WithDescription("Refused while a job that has not ended uses it.").WithAnswer(204, "It is gone.").Problems(ProblemKind.UnknownDataset, ProblemKind.DatasetInUse);
    }

    private static async Task<Ok<DatasetList>> List(DatasetCatalog catalog, CancellationToken cancellationToken) => TypedResults.Ok(new DatasetList(await catalog.ListAsync(cancellationToken)));

    private static async Task<Ok<DatasetInfo>> Get(string name, DatasetCatalog catalog, CancellationToken cancellationToken) => TypedResults.Ok(await catalog.GetAsync(name, cancellationToken));

    /// <param name="name" example="birds">What jobs will call it: 1 to 64 lower-case letters, digits, dashes and underscores.</param>
    /// <param name="request">Its body is the zip.</param>
    /// <param name="upload">Takes it.</param>
    /// <param name="cancellationToken">Ends with the request.</param>
    private static async Task<Created<DatasetInfo>> Upload(string name, HttpRequest request, DatasetUpload upload, CancellationToken cancellationToken) => TypedResults.Created($"/v1/datasets/{name}", await upload.TakeAsync(name, request, cancellationToken));

    private static async Task<NoContent> Delete(string name, DatasetRemoval removal, CancellationToken cancellationToken)
    {
        await removal.DeleteAsync(name, cancellationToken);
        return TypedResults.NoContent();
    }
}
