using DenoiseService.Api.Errors;

namespace DenoiseService.Api.OpenApi;

/// <summary>The refusals that every route which takes a picture can answer.</summary>
internal static class PictureProblems
{
    private static readonly int[] Statuses = [400, 404, 406, 413, 415, 422, 429, 500, 503, 504];

    public static RouteHandlerBuilder WithPictureProblems(this RouteHandlerBuilder route)
    {
        foreach (int status in Statuses) route.Produces<Problem>(status, Problem.MediaType);
        return route;
    }
}
