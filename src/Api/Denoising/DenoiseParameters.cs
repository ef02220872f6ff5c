using DenoiseService.Api.Pictures;
using DenoiseService.Imaging;
using DenoiseService.Model;

namespace DenoiseService.Api.Denoising;

/// <summary>What a client may ask of a clean picture.</summary>
/// <param name="Strength">0 keeps the input, 1 (default) takes the network's result, between them a linear blend.</param>
/// <param name="Sigma">Of the noise, in units of 1; null leaves it to the network.</param>
/// <param name="Mode">How often the network looks at every tile.</param>
/// <param name="Format">Of the answer; null leaves it to Accept and the input.</param>
/// <param name="Model">Null for the champion.</param>
/// <param name="IncludeRouting">Answer JSON with picture and routing map.</param>
/// <param name="Color">Keep the colour profile, or convert to sRGB.</param>
internal sealed record DenoiseParameters(float Strength, float? Sigma, DenoiseMode Mode, ImageFormat? Format, string? Model, bool IncludeRouting, OutputColor Color)
{
    /// <exception cref="Errors.ApiException">400 if one of them is out of range.</exception>
    public static DenoiseParameters Read(RequestFields fields) => new(
        (float)fields.Number("strength", 0, 1, otherwise: 1), fields.Sigma("sigma"), fields.Mode("mode"), fields.Format("format"), fields.Text("model"), fields.Flag("includeRouting"), fields.Color("color"));
}
