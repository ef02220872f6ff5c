using System.Text.Json;
using DenoiseService.Api.Datasets;
using DenoiseService.Api.Storage;
using DenoiseService.Model;
using DenoiseService.Training;
using DenoiseService.Training.Data;
using DenoiseService.Training.Experiments;

namespace DenoiseService.Api.Jobs.Engine;

/// <summary>What a job runs on: its data sets and model, found on this machine.</summary>
/// <param name="Folders">By name.</param>
/// <param name="Weights">Path of the model that it reads; null if it reads none.</param>
internal sealed record JobInputs(IReadOnlyDictionary<string, DatasetFolder> Folders, string? Weights)
{
    /// <summary>One checksum over all data sets, by name; null without any.</summary>
    public string? Checksum => Folders.Count switch
    {
        0 => null,
        1 => Folders.Values.Single().Sha256,
        _ => Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(string.Concat(Folders.OrderBy(f => f.Key, StringComparer.Ordinal).Select(f => $"{f.Key}:{f.Value.Sha256}\n"))))),
    };

    /// <summary>A message without paths of the machine.</summary>
    public string Clean(string message, string folder)
    {
        foreach ((string name, DatasetFolder found) in Folders) message = message.Replace(found.Folder, name, StringComparison.Ordinal);
        return message.Replace(folder + Path.DirectorySeparatorChar, "", StringComparison.Ordinal).Replace(folder, "the job's folder", StringComparison.Ordinal);
    }
}

/// <summary>Runs the research half's code for each kind of job, with names of data sets in its records instead of paths. Blocks: for the job's own thread.</summary>
internal sealed class JobWork(JobInputs inputs, string folder, JobReporter reporter, TimeProvider time)
{
    /// <summary>The whole job.</summary>
    public void Run(JobKind kind, string request, CancellationToken cancellationToken)
    {
        switch (kind)
        {
            case JobKind.Training:
                Train(Read<Recipe>(request), cancellationToken);
                break;
            case JobKind.Ablation:
                AblationSettings ablation = Read<AblationSettings>(request);
                new Ablation(ablation with { Data = Here(ablation.Data) }, new ExperimentFolder(folder), time, reporter).Run(cancellationToken);
                break;
            case JobKind.Robustness:
                RobustnessSettings robustness = Read<RobustnessSettings>(request);
                new Robustness(robustness with { Data = Here(robustness.Data) }, new ExperimentFolder(folder), time, reporter).Run(cancellationToken);
                break;
            case JobKind.Scaling:
                new Scaling(Read<ScalingSettings>(request), new ExperimentFolder(folder), time, reporter).Run(cancellationToken);
                break;
            case JobKind.RoutingStudy:
                RoutingStudySettings routing = Read<RoutingStudySettings>(request);
                new RoutingStudy(routing with { Checkpoint = inputs.Weights!, Data = [.. routing.Data.Select(d => inputs.Folders[d].Folder)] }, new ExperimentFolder(folder), time, reporter).Run(cancellationToken);
                break;
            default:
                Evaluate(Read<EvaluationJobRequest>(request), cancellationToken);
                break;
        }
    }

    private void Train(Recipe recipe, CancellationToken cancellationToken)
    {
        TrainingData data = Load(recipe.Data);
        // The run's own record has the names: it goes on on any machine.
        new TrainingRun(recipe, data, recipe.Validation.Count == 0 ? null : Load(recipe.Validation), folder, time, reporter) { InitialWeights = inputs.Weights }.Run(cancellationToken);

        TrainingData Load(IReadOnlyList<DataSource> sources) => TrainingData.Load([.. sources.Select(s => s with { Path = inputs.Folders[s.Path].Folder })], recipe.Model.TileSide, recipe.Seed, cancellationToken);
    }

    private void Evaluate(EvaluationJobRequest request, CancellationToken cancellationToken)
    {
        var (network, card) = Checkpoint.Load(inputs.Weights!);
        int overlap = Math.Min(request.Overlap, card.Config.TileSide - 1);
        using var denoiser = new Denoiser(network, new DenoiserOptions { Overlap = overlap, Threads = request.Threads });
        EvaluationProtocol here = request.Protocol with { Data = inputs.Folders[request.Protocol.Data].Folder };
        EvaluationReport report = Evaluation.Report(denoiser, request.Checkpoint, card.Sha256, here, time, request.Protocol.Data, reporter, cancellationToken: cancellationToken);
        var record = new ExperimentRecord
        {
            Experiment = "evaluation", Finished = true, Data = $"{request.Protocol.Data}{(here.Range is { } range ? $", {range}" : "")}", DataSha256 = report.DataSha256, Channels = report.Channels, Seeds = [here.Seed], Sigmas = here.Sigmas,
            Noise = $"{here.DescribeNoise()}; results {(here.RoundTo8Bit ? "rounded to 8 bits" : "not rounded")}", WrittenAt = time.GetUtcNow(), Hours = report.Seconds / 3600,
        };
        string body = $"Model {request.Checkpoint}, sha256 {card.Sha256}; {report.DescribeRun()}.{(report.Classical.Count > 0 ? $"\n\n{ClassicalFilters.Source}" : "")}";
        new ExperimentFolder(folder).Write("Evaluation", record, body, EvaluationTables.Of(report), report);
    }

    private ExperimentData Here(ExperimentData data) => data with { Path = inputs.Folders[data.Path].Folder, Name = data.Path };

    private static T Read<T>(string request) => JsonSerializer.Deserialize<T>(request, JobJson.Options)!;
}
