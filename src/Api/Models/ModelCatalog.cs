using System.Collections.Immutable;
using DenoiseService.Api.Errors;
using DenoiseService.Api.Serving;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Models;

/// <summary>The models of the folder and their states. Thread-safe: readers see one consistent list.</summary>
internal sealed class ModelCatalog(IOptions<ModelsOptions> options)
{
    private ImmutableSortedDictionary<string, ModelEntry> _entries = ImmutableSortedDictionary.Create<string, ModelEntry>(StringComparer.Ordinal);

    /// <summary>The id that answers requests which name none.</summary>
    public string DefaultId => options.Value.Default;

    /// <summary>All of them, by id.</summary>
    public IReadOnlyCollection<ModelEntry> Entries => [.. Volatile.Read(ref _entries).Values];

    /// <summary>Adds or replaces one.</summary>
    public void Set(ModelEntry entry) => ImmutableInterlocked.Update(ref _entries, e => e.SetItem(entry.Id, entry));

    /// <summary>One model, whatever its state.</summary>
    /// <exception cref="ApiException">404 if there is none of that id.</exception>
    public ModelEntry Get(string id) => Volatile.Read(ref _entries).TryGetValue(id, out ModelEntry? entry)
        ? entry
        : throw new ApiException(ProblemKind.UnknownModel, "No model has this id.") { Parameter = "model", Actual = id, Accepted = [.. Volatile.Read(ref _entries).Keys] };

    /// <summary>The model that a request asks for; null asks for the default.</summary>
    /// <exception cref="ApiException">404 if there is none of that id, 503 if it is not ready.</exception>
    public ServedModel Serve(string? id)
    {
        if (id is null && DefaultProblem is { } reason) throw new ApiException(ProblemKind.NotReady, reason);
        ModelEntry entry = Get(id ?? DefaultId);
        return entry.Served ?? throw new ApiException(ProblemKind.NotReady, $"Model {entry.Id} is {(entry.State == ModelState.Loading ? "still loading" : "damaged and was refused")}.") { Parameter = "model" };
    }

    /// <summary>Why the default model cannot answer; null if it can.</summary>
    public string? DefaultProblem => Volatile.Read(ref _entries).GetValueOrDefault(DefaultId) switch
    {
        null => $"The default model {DefaultId} is not in the models folder.",
        { State: ModelState.Loading } => $"The default model {DefaultId} is still loading.",
        { State: ModelState.Failed } => $"The default model {DefaultId} was refused; GET /v1/models/{DefaultId} says why.",
        _ => null,
    };
}
