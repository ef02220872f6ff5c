using System.Text.Json.Nodes;
using DenoiseService.Api.Datasets;
using DenoiseService.Api.Errors;
using DenoiseService.Api.Serving;
using DenoiseService.Api.Storage;
using DenoiseService.Model;
using DenoiseService.Training;
using DenoiseService.Training.Data;
using DenoiseService.Training.Experiments;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Jobs;

/// <summary>Makes a sent request a <see cref="JobPlan"/> of this service: its data sets and models are there, and what it will need fits in.</summary>
internal sealed class JobPlanner(DatasetCatalog datasets, JobModels models, IOptions<JobsOptions> options, IOptions<InferenceOptions> inference)
{
    /// <summary>Reads and checks a request; what it does not name is filled in, and written into it.</summary>
    /// <exception cref="ApiException">422: names the field.</exception>
    public async Task<JobPlan> PlanAsync(JobKind kind, JsonObject asked, CancellationToken cancellationToken)
    {
        IReadOnlyList<string> known = await datasets.NamesAsync(cancellationToken);
        await SplitAsync(kind, asked, known, cancellationToken);
        await PinAsync(kind, asked, cancellationToken);
        var plan = JobPlan.Of(kind, asked, options.Value.Threads);
        foreach ((string field, string name) in plan.Datasets.DistinctBy(d => d.Name)) DatasetCatalog.Check(known, field, name, plan.NeedsArchive);
        if (plan.Recipe is { } recipe) CheckMemory(recipe);
        CheckBatch(plan);
        return plan;
    }

    /// <summary>An experiment that names no ranges gets the split that fits the archive.</summary>
    private async Task SplitAsync(JobKind kind, JsonObject asked, IReadOnlyList<string> known, CancellationToken cancellationToken)
    {
        if (kind is not (JobKind.Ablation or JobKind.Robustness) || asked["data"] is not JsonObject data || data["path"] is not JsonValue path || !path.TryGetValue(out string? name)) return;
        if (data["train"] is not null || data["validation"] is not null || data["test"] is not null) return;
        DatasetCatalog.Check(known, "data.path", name, archive: true);
        try
        {
            var split = ExperimentData.Of((await datasets.ResolveAsync(name, cancellationToken)).Folder);
            (data["train"], data["validation"], data["test"]) = (split.Train, split.Validation, split.Test);
        }
        catch (DataSetException)
        {
            throw JobJson.Invalid("data", $"The images of {name} cannot be split here; name train, validation and test.");
        }
    }

    /// <summary>An alias may move before the job runs, or between its runs: the version that it means now is the job's.</summary>
    private async Task PinAsync(JobKind kind, JsonObject asked, CancellationToken cancellationToken)
    {
        string field = kind == JobKind.Training ? "initial" : "checkpoint";
        if (kind is not (JobKind.Training or JobKind.RoutingStudy or JobKind.Evaluation) || asked[field] is not JsonValue value || !value.TryGetValue(out string? model)) return;
        ModelVersion version = await models.PinAsync(field, model, cancellationToken);
        asked[field] = version.Id;
        JsonNode config = JsonNode.Parse(version.Config)!;
        if (kind == JobKind.Training)
        {
            asked["model"] ??= config;
            if (CanBeTold(asked["model"])) asked["toldShare"] ??= Recipe.UsualToldShare; // or it would forget how
        }

        if (kind == JobKind.Evaluation && !CanBeTold(config) && (asked["protocol"] as JsonObject)?["told"] is JsonValue told && told.TryGetValue(out bool tell) && tell)
        {
            throw JobJson.Invalid("protocol.told", $"protocol.told is true; it must be false, for {model} cannot be told the noise level.");
        }
    }

    /// <summary>Weights that this service could not load are not worth the training, and squares that do not fit into memory would end the process.</summary>
    private void CheckMemory(Recipe recipe)
    {
        try
        {
            Denoiser.CheckMemory(recipe.Model, inference.Value.ToDenoiserOptions(recipe.Model));
        }
        catch (ModelConfigException e)
        {
            throw JobJson.Invalid("model", e.Message);
        }

        long bytesOfSquare = 3L * recipe.Model.TileSide * recipe.Model.TileSide, squares = 0;
        foreach ((string field, DataSource source) in recipe.Data.Select(d => ("data.patches", d)).Concat(recipe.Validation.Select(d => ("validation.patches", d))))
        {
            long own = datasets.SquaresOf(source);
            squares += own;
            if (own * bytesOfSquare > Array.MaxLength) throw TooLarge(field, $"{source.Path} gives {own}", own, Array.MaxLength);
            if (squares * bytesOfSquare > options.Value.MaxSquaresBytes) throw TooLarge(field, $"With {source.Path} data and validation give {squares}", squares, options.Value.MaxSquaresBytes);
        }

        ApiException TooLarge(string field, string what, long count, long limit) =>
            JobJson.Invalid(field, $"{what} squares of {recipe.Model.TileSide} × {recipe.Model.TileSide} pixels, {count * bytesOfSquare} bytes; the limit is {limit} bytes, {limit / bytesOfSquare} squares.");
    }

    /// <summary>A step's images go through the network together: more than memory holds would end the process, and the next one that takes the job.</summary>
    private void CheckBatch(JobPlan plan)
    {
        long limit = options.Value.MaxBatchBytes, each = plan.Networks.Select(Denoiser.BytesInTraining).DefaultIfEmpty().Max();
        Int128 needed = (Int128)plan.Batch * each;
        if (needed > limit) throw JobJson.Invalid("batchSize", $"A step's {plan.Batch} images, of all trainings side by side, take about {needed} bytes of memory; the limit is {limit} bytes, {limit / each} images.");
    }

    private static bool CanBeTold(JsonNode? config) => config is JsonObject fields && fields["noiseLevelInput"] is JsonValue value && value.TryGetValue(out bool reads) && reads;
}
