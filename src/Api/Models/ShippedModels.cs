using DenoiseService.Api.Storage;
using DenoiseService.Model;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Models;

/// <summary>
/// Registers the files of the models folder by their checksum, as often and on as many replicas as you like. The default one becomes champion where there is
/// none yet; whatever was promoted since is left alone. A damaged file is refused and breaks nothing else.
/// </summary>
internal sealed partial class ShippedModels(ModelRegistry registry, IDbContextFactory<Store> stores, ModelStatus status, IOptions<ModelsOptions> options, TimeProvider time, ILogger<ShippedModels> logger)
{
    /// <summary>The default one, and the champion if there is none.</summary>
    public async Task RegisterDefaultAsync(CancellationToken cancellationToken)
    {
        foreach (string file in Files().Where(IsDefault))
        {
            if (await RegisterAsync(file, cancellationToken) is not { } version) continue;
            bool crowned = await stores.SaveAsync(async store =>
            {
                if (await store.AliasAsync(ModelNames.Champion, cancellationToken) is not null) return false;
                await store.CrownAsync(version.Id, new MovedBy("first start", "The default model of the settings."), time.GetUtcNow(), () => Ids.New(time), cancellationToken);
                return true;
            }, cancellationToken);
            if (crowned) LogCrowned(version.Name, version.Id);
        }
    }

    /// <summary>The others.</summary>
    public async Task RegisterOthersAsync(CancellationToken cancellationToken)
    {
        foreach (string file in Files().Where(f => !IsDefault(f))) await RegisterAsync(file, cancellationToken);
    }

    private async Task<ModelVersion?> RegisterAsync(string file, CancellationToken cancellationToken)
    {
        string name = Path.GetFileNameWithoutExtension(file);
        try
        {
            string card = Checkpoint.CardPath(file);
            if (!ModelNames.IsName(name)) throw new ModelLoadException("Its name is not one of 1 to 100 letters, digits, dots, dashes and underscores, or is that of an alias.", new ArgumentException(name));
            var checkpoint = new NewCheckpoint(name, await File.ReadAllBytesAsync(file, cancellationToken), File.Exists(card) ? await File.ReadAllBytesAsync(card, cancellationToken) : null);
            (ModelVersion version, bool created) = await registry.AddAsync(checkpoint, nominatedBy: null, cancellationToken);
            if (created) LogRegistered(name, version.Id);
            return version;
        }
        catch (ModelLoadException e)
        {
            status.Refuse(name, e.Message); // the loader has logged it
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogUnreadable(e, name);
            status.Refuse(name, "The file cannot be read.");
        }

        return null;
    }

    private string[] Files()
    {
        string folder = Path.GetFullPath(options.Value.Folder, AppContext.BaseDirectory);
        string[] files = Directory.Exists(folder) ? Directory.GetFiles(folder, "*.safetensors") : [];
        if (files.Length == 0) LogNoModels(folder);
        return [.. files.Order(StringComparer.Ordinal)];
    }

    private bool IsDefault(string file) => Path.GetFileNameWithoutExtension(file) == options.Value.Default;

    [LoggerMessage(LogLevel.Information, "The shipped model {Model} is registered as version {Version}")]
    private partial void LogRegistered(string model, string version);

    [LoggerMessage(LogLevel.Information, "There was no champion: now it is {Model}, version {Version}")]
    private partial void LogCrowned(string model, string version);

    [LoggerMessage(LogLevel.Error, "The shipped model {Model} cannot be read")]
    private partial void LogUnreadable(Exception exception, string model);

    [LoggerMessage(LogLevel.Warning, "There is no model in {Folder}")]
    private partial void LogNoModels(string folder);
}
