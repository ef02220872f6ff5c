using System.Text.Json;

namespace DenoiseService.Training.CommandLine;

/// <summary>Recipes as people name them.</summary>
internal static class RecipeFile
{
    /// <summary>One of <see cref="Recipe.Named"/>, or a JSON file.</summary>
    /// <exception cref="RecipeException">Neither, or the file is not a recipe.</exception>
    public static Recipe Named(string name) => Recipe.Named.TryGetValue(name, out Recipe? named) ? named
        : File.Exists(name) ? Read(name)
        : throw new RecipeException("recipe", $"There is no recipe '{name}': {string.Join(", ", Recipe.Named.Keys)}, or a JSON file.");

    private static Recipe Read(string file)
    {
        try
        {
            return JsonSerializer.Deserialize<Recipe>(File.ReadAllBytes(file), Recipe.Json) ?? throw new RecipeException("recipe", $"{file} is empty.");
        }
        catch (JsonException e)
        {
            throw new RecipeException("recipe", $"{file} is not a recipe: {e.Message}");
        }
    }
}
