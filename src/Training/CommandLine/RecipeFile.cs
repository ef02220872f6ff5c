using System.Text.Json;
using System.Text.Json.Serialization;

namespace DenoiseService.Training.CommandLine;

/// <summary>Recipes as people name them.</summary>
internal static class RecipeFile
{
    // A field that is misspelt is an error, not a default.
    private static readonly JsonSerializerOptions Strict = new(Recipe.Json) { UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, RespectNullableAnnotations = true };

    /// <summary>One of <see cref="Recipe.Named"/>, or a JSON file.</summary>
    /// <exception cref="RecipeException">Neither, or the file is not a recipe.</exception>
    public static Recipe Named(string name) => Recipe.Named.TryGetValue(name, out Recipe? named) ? named
        : File.Exists(name) ? Read(name)
        : throw new RecipeException("recipe", $"There is no recipe '{name}': {string.Join(", ", Recipe.Named.Keys)}, or a JSON file.");

    private static Recipe Read(string file)
    {
        try
        {
            return JsonSerializer.Deserialize<Recipe>(File.ReadAllBytes(file), Strict) ?? throw new RecipeException("recipe", $"{file} is empty.");
        }
        catch (JsonException e)
        {
            throw new RecipeException("recipe", $"{file} is not a recipe: {e.Message}");
        }
    }
}
