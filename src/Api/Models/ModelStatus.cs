using System.Collections.Immutable;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Models;

/// <summary>A champion that this process could not load, and when it tries again.</summary>
internal sealed record FollowFailure(string VersionId, long Revision, string Name, string Error, int Attempts, long At, TimeSpan Wait);

/// <summary>What is wrong with the models of this process. Written by who loads them, read from anywhere.</summary>
internal sealed class ModelStatus(LoadedModels loaded, IOptions<ModelsOptions> options)
{
    private ImmutableSortedDictionary<string, string> _refused = ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);
    private volatile FollowFailure? _failure;
    private volatile bool _noChampion;

    /// <summary>Why the champion is not served; null if it is, or is being loaded.</summary>
    public FollowFailure? Failure
    {
        get => _failure;
        set => _failure = value;
    }

    /// <summary>True once the database was seen to have no champion.</summary>
    public bool NoChampion
    {
        set => _noChampion = value;
    }

    /// <summary>Files of the models folder that were refused, with the reason.</summary>
    public IReadOnlyDictionary<string, string> Refused => Volatile.Read(ref _refused);

    /// <summary>Why requests that name no model cannot be answered; null if they can.</summary>
    public string? Problem
    {
        get
        {
            if (loaded.ChampionId is not null) return null;
            if (_failure is { } failure) return $"The champion {failure.Name} was refused: {failure.Error}";
            if (!_noChampion) return "The champion is still loading.";
            string name = options.Value.Default;
            return Refused.TryGetValue(name, out string? error) ? $"There is no champion: the default model {name} was refused. {error}" : $"There is no champion, and the default model {name} is not in the models folder.";
        }
    }

    /// <summary>What does not keep the service from answering, but should be known.</summary>
    public IReadOnlyList<string> Details =>
    [
        .. _failure is { } failure && loaded.ChampionId is not null ? [$"The champion {failure.Name} (version {failure.VersionId}) was refused, the one before it goes on answering. {failure.Error}"] : Array.Empty<string>(),
        .. Refused.Select(r => $"The shipped model {r.Key} was refused. {r.Value}"),
    ];

    public void Refuse(string file, string error) => ImmutableInterlocked.Update(ref _refused, r => r.SetItem(file, error));
}
