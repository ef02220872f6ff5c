using System.Text.Json.Serialization;

namespace DenoiseService.Api.Comparing;

/// <summary>How far two models differ on one picture. Neither is the truth: the scores are those of the second's output against the first's.</summary>
/// <param name="First" example="denoise-small@3f1c2b9d8e07">As in the header X-Model-Version.</param>
/// <param name="Second" example="denoise-next@9a7b6c5d4e3f">As in the header X-Model-Version.</param>
/// <param name="Height" example="33">Pixels of the upright picture.</param>
/// <param name="Width" example="47">Pixels of the upright picture.</param>
/// <param name="Strength" example="1">Of both.</param>
/// <param name="Psnr" example="42.7">Peak signal-to-noise ratio in dB between the two outputs; null where they are equal.</param>
/// <param name="Ssim" example="0.991">Structural similarity of the two outputs (7×7 windows); null where a side is below 7 pixels.</param>
/// <param name="MeanAbsoluteDifference" example="0.0041">Of the samples, which are 0 to 1.</param>
/// <param name="LargestAbsoluteDifference" example="0.087">Of the samples, which are 0 to 1.</param>
/// <param name="Routing">One for each block; null where the networks differ in patches, blocks or experts.</param>
/// <param name="Timings">Milliseconds of decode, queue and device of both passes together, score, encode, and in total.</param>
public sealed record Comparison(
    string First, string Second, int Height, int Width, double Strength, double? Psnr, double? Ssim, double MeanAbsoluteDifference, double LargestAbsoluteDifference, IReadOnlyList<RoutingDifference>? Routing, IReadOnlyDictionary<string, double> Timings)
{
    /// <summary>With `includeImages=true`.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ComparedImages? Images { get; init; }
}

/// <summary>How far the routing of one block differs, over the whole patches of the picture.</summary>
/// <param name="Block" example="0">From 0.</param>
/// <param name="MeanTotalVariation" example="0.12">Half the sum of the absolute differences of the probabilities, mean over the patches: 0 equal, 1 apart; null without a whole patch.</param>
/// <param name="ChosenDiffer" example="0.2">Share of the patches whose most probable expert is another; null without a whole patch.</param>
public sealed record RoutingDifference(int Block, double? MeanTotalVariation, double? ChosenDiffer);

/// <summary>The pictures, PNG in base64.</summary>
/// <param name="First">The first model's output.</param>
/// <param name="Second">The second model's output.</param>
/// <param name="Difference">Absolute difference times gain: black where they agree.</param>
/// <param name="Gain" example="10">Of the difference.</param>
/// <param name="MediaType" example="image/png">Of all three.</param>
public sealed record ComparedImages(byte[] First, byte[] Second, byte[] Difference, double Gain, string MediaType);
