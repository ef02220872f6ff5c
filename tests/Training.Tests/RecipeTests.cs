using System.Text.Json;
using DenoiseService.Model;

namespace DenoiseService.Training.Tests;

public sealed class RecipeTests
{
    public static TheoryData<Recipe, string> BadRecipes => new()
    {
        { new Recipe { LearningRate = 0 }, "LearningRate" },
        { new Recipe { LearningRate = double.NaN }, "LearningRate" },
        { new Recipe { BatchSize = 0 }, "BatchSize" },
        { new Recipe { SigmaMin = 0.5, SigmaMax = 0.2 }, "SigmaMax" },
        { new Recipe { SigmaMin = -0.1 }, "SigmaMin" },
        { new Recipe { SigmaPower = 0 }, "SigmaPower" },
        { new Recipe { ToldShare = 0.5 }, "ToldShare" },
        { new Recipe { Model = ModelConfig.Photographs, ToldShare = 1.5 }, "ToldShare" },
        { new Recipe { ClampedShare = 2 }, "ClampedShare" },
        { new Recipe { GrainMax = -0.01 }, "GrainMax" },
        { new Recipe { LossFloor = 0 }, "LossFloor" },
        { new Recipe { Epochs = 0 }, "Epochs" },
        { new Recipe { Steps = 0 }, "Steps" },
        { new Recipe { Replicas = 33 }, "Replicas" },
        { new Recipe { Replicas = 2, BalanceForm = BalanceForm.PerBatch }, "Replicas" },
        { new Recipe { WeightDecay = 0.1 }, "WeightDecay" },
        { new Recipe { ReviveEvery = 0 }, "ReviveEvery" },
        { new Recipe { EmaDecay = 1 }, "EmaDecay" },
        { new Recipe { Optimiser = (OptimiserKind)9 }, "Optimiser" },
        { new Recipe { Schedule = (ScheduleKind)9 }, "Schedule" },
        { new Recipe { Loss = (LossKind)9 }, "Loss" },
        { new Recipe { BalanceForm = (BalanceForm)9 }, "BalanceForm" },
        { new Recipe { Precision = Precision.BFloat16 }, "Precision" },
        { new Recipe { ValidationSigmas = [] }, "ValidationSigmas" },
        { new Recipe { Model = new ModelConfig { Heads = 3 } }, "Model" },
    };

    [Theory]
    [MemberData(nameof(BadRecipes))]
    public void A_value_out_of_range_is_refused_by_name(Recipe recipe, string field)
    {
        var refused = Assert.Throws<RecipeException>(recipe.Validated);
        Assert.Equal(field, refused.Field);
        Assert.Contains("must be", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void From_other_weights_a_network_that_reads_the_noise_level_goes_on_being_told_it_and_others_are_not()
    {
        ModelConfig told = ModelConfig.Photographs;
        Recipe report = Recipe.Named["report"], photographs = Recipe.Named["photographs"] with { ToldShare = 0.25 };
        Recipe older = photographs.From("a", told with { NoiseLevelInput = false, TileSide = 96 });
        Assert.Equal(("a", false, 96, 0), (older.Initial, older.Model.NoiseLevelInput, older.Model.TileSide, older.ToldShare));
        Assert.Equal(0.25, photographs.From("a", told).ToldShare);
        Assert.Equal(0, (photographs with { ToldShare = 0 }).From("a", told).ToldShare); // as asked: it is to forget
        Assert.Equal((true, Recipe.UsualToldShare), (report.From("a", told).Model.NoiseLevelInput, report.From("a", told).ToldShare));
        foreach (Recipe recipe in new[] { older, photographs.From("a", told), report.From("a", told) }) recipe.Validated();
    }

    [Fact]
    public void Named_recipes_are_valid_and_survive_json()
    {
        foreach (Recipe recipe in Recipe.Named.Values)
        {
            string json = JsonSerializer.Serialize(recipe.Validated(), Recipe.Json);
            Assert.Equal(json, JsonSerializer.Serialize(JsonSerializer.Deserialize<Recipe>(json, Recipe.Json), Recipe.Json));
        }
    }

    [Fact]
    public void The_released_recipe_is_the_published_one()
    {
        Recipe released = Recipe.Named["released"];
        Assert.Equal((30, 64, OptimiserKind.AdamW, 1e-3, 1e-4, 1.0, 0.2, 0.2), ((int)released.Epochs, released.BatchSize, released.Optimiser, released.LearningRate, released.WeightDecay, released.ClipNorm!.Value, released.SigmaMin, released.SigmaMax));
        Assert.Equal((ScheduleKind.CosineByEpoch, 0.01, BalanceForm.PerBatch), (released.Schedule, released.BalanceWeight, released.BalanceForm));
    }
}
