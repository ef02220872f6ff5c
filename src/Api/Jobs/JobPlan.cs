using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using DenoiseService.Api.Storage;
using DenoiseService.Model;
using DenoiseService.Training;
using DenoiseService.Training.Data;
using DenoiseService.Training.Experiments;

namespace DenoiseService.Api.Jobs;

/// <summary>What a request comes to.</summary>
/// <param name="Kind">Of job.</param>
/// <param name="Effective">The request with every default filled in: the research half's own record as JSON.</param>
/// <param name="Seed">Its seed; the first of several.</param>
/// <param name="Datasets">Names of its data sets, each with the field that names it.</param>
/// <param name="Recipe">What a training follows; null for the other kinds.</param>
internal sealed record JobPlan(JobKind Kind, string Effective, long Seed, IReadOnlyList<(string Field, string Name)> Datasets, Recipe? Recipe = null)
{
    /// <summary>Reads a stored or sent request. What it does not name is filled in: seed, threads.</summary>
    /// <exception cref="Errors.ApiException">422: names the field.</exception>
    public static JobPlan Of(JobKind kind, JsonObject body, int threads) => kind switch
    {
        JobKind.Training => OfTraining(body),
        JobKind.Ablation => OfAblation(body, threads),
        JobKind.Robustness => OfRobustness(body, threads),
        JobKind.Scaling => OfScaling(body, threads),
        JobKind.RoutingStudy => OfRoutingStudy(body, threads),
        _ => OfEvaluation(body, threads),
    };

    /// <summary>The names of the data sets of a stored job. Nothing else of it is looked at: what was in range when it was stored may not be after an upgrade.</summary>
    public static IEnumerable<string> DatasetsOf(Job job)
    {
        JsonObject request = Stored(job);
        return Names(request["data"]).Concat(Names(request["validation"])).Concat(Names((request["protocol"] as JsonObject)?["data"]));
    }

    /// <summary>The id of the model that a stored job reads, in the same way; null if it reads none.</summary>
    /// <param name="job">As it is stored.</param>
    /// <param name="goesOn">From a checkpoint: then a training has the weights in its own state.</param>
    public static string? CheckpointOf(Job job, bool goesOn = false)
    {
        if (goesOn && job.Kind == JobKind.Training) return null;
        JsonObject request = Stored(job);
        return (string?)(request["initial"] ?? request["checkpoint"]);
    }

    /// <summary>What it trains; empty for a job that trains nothing.</summary>
    public IReadOnlyList<ModelConfig> Networks { get; init; } = [];

    /// <summary>Images of a step, of all trainings side by side.</summary>
    public long Batch { get; init; }

    /// <summary>Experiments of trainings take archives in CIFAR-10's form only: their ranges are of records.</summary>
    public bool NeedsArchive => Kind is JobKind.Ablation or JobKind.Robustness;

    private static JsonObject Stored(Job job) => JsonNode.Parse(job.EffectiveRequest ?? job.Request)!.AsObject();

    /// <summary>A data set stands as its name, as an object with its path, or several in a list.</summary>
    private static IEnumerable<string> Names(JsonNode? data) => data switch
    {
        JsonArray several => several.SelectMany(s => Names(s)),
        JsonObject source => Names(source["path"]),
        JsonValue value when value.TryGetValue(out string? name) => [name],
        _ => [],
    };

    private static JobPlan OfTraining(JsonObject body)
    {
        Fill(body, "seed", MakeSeed());
        Recipe recipe = JobJson.Read<Recipe>(body, r => r.Validated());
        if (recipe.Data.Count == 0) throw JobJson.Invalid("data", "data names no data set; it must name at least one.");
        foreach (DataSource source in recipe.Data.Concat(recipe.Validation).Where(s => s.Range is not null)) CheckRange("data.range", source.Range!);
        return new JobPlan(JobKind.Training, Text(recipe), recipe.Seed, [.. recipe.Data.Select(d => ("data.path", d.Path)), .. recipe.Validation.Select(d => ("validation.path", d.Path))], recipe) { Networks = [recipe.Model], Batch = recipe.BatchSize };
    }

    private static JobPlan OfAblation(JsonObject body, int threads)
    {
        Fill(body, "workers", threads);
        AblationSettings settings = JobJson.Read<AblationSettings>(body, s => s.Validated());
        ModelConfig[] networks = [.. AblationVariant.VariantsOf(settings.Recipe.Model).Where(v => settings.Variants.Count == 0 || settings.Variants.Contains(v.Name)).Select(v => v.Model)];
        return new JobPlan(JobKind.Ablation, Text(settings), settings.Seeds[0], [("data.path", settings.Data.Path)]) { Networks = networks, Batch = SideBySide(settings.Recipe, settings.Workers, networks.Length * settings.Seeds.Count) };
    }

    private static JobPlan OfRobustness(JsonObject body, int threads)
    {
        Fill(body, "workers", threads);
        RobustnessSettings settings = JobJson.Read<RobustnessSettings>(body, s => s.Validated());
        return new JobPlan(JobKind.Robustness, Text(settings), settings.Seeds[0], [("data.path", settings.Data.Path)]) { Networks = [settings.Recipe.Model], Batch = SideBySide(settings.Recipe, settings.Workers, 2 * settings.Seeds.Count) };
    }

    private static JobPlan OfScaling(JsonObject body, int threads)
    {
        Fill(body, "threads", threads);
        Fill(body, "seed", MakeSeed());
        ScalingSettings settings = JobJson.Read<ScalingSettings>(body, s => (s with { Model = s.Model.Validated() }).Validated());
        return new JobPlan(JobKind.Scaling, Text(settings), settings.Seed, []);
    }

    private static JobPlan OfRoutingStudy(JsonObject body, int threads)
    {
        Fill(body, "threads", threads);
        Fill(body, "seed", MakeSeed());
        RoutingStudySettings settings = JobJson.Read<RoutingStudySettings>(body, s => s.Validated());
        if (settings.Data.Count == 0) throw JobJson.Invalid("data", "data names no data set; it must name at least one.");
        if (settings.Range is { } range) CheckRange("range", range.ToString());
        return new JobPlan(JobKind.RoutingStudy, Text(settings), settings.Seed, [.. settings.Data.Select(d => ("data", d))]);
    }

    private static JobPlan OfEvaluation(JsonObject body, int threads)
    {
        Fill(body, "threads", threads);
        if (body["protocol"] is JsonObject protocol)
        {
            Fill(protocol, "seed", MakeSeed());
            foreach (string name in (string[])["data", "sigmas"])
            {
                if (protocol[name] is null) throw JobJson.Invalid($"protocol.{name}", $"{name} is missing.");
            }
        }

        EvaluationJobRequest request = JobJson.Read<EvaluationJobRequest>(body, r => r with { Protocol = r.Protocol.Validated() });
        if (request.Overlap is < 0 or > 512) throw JobJson.Invalid("overlap", $"overlap is {request.Overlap}; it must be 0 to 512.");
        if (request.Threads is < 1 or > 256) throw JobJson.Invalid("threads", $"threads is {request.Threads}; it must be 1 to 256.");
        if (request.Protocol.Range is { } range) CheckRange("protocol.range", range.ToString());
        return new JobPlan(JobKind.Evaluation, Text(request), request.Protocol.Seed, [("protocol.data", request.Protocol.Data)]);
    }

    private static long SideBySide(Recipe recipe, int workers, int trainings) => (long)recipe.BatchSize * Math.Min(workers, trainings);

    private static void CheckRange(string field, string range)
    {
        try
        {
            IndexRange.Parse(range);
        }
        catch (FormatException e)
        {
            throw JobJson.Invalid(field, e.Message);
        }
    }

    private static void Fill(JsonObject body, string name, JsonNode value)
    {
        if (body[name] is null) body[name] = value;
    }

    // Positive, and exact as a number of JavaScript.
    private static long MakeSeed() => RandomNumberGenerator.GetInt32(1, int.MaxValue);

    private static string Text<T>(T settings) => JsonSerializer.Serialize(settings, JobJson.Options);
}
