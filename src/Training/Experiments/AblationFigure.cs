namespace DenoiseService.Training.Experiments;

internal static class AblationFigure
{
    public static void Draw(AblationResult result, ExperimentFolder folder)
    {
        _ = (result, folder);
    }
}
