namespace DenoiseService.Training.Experiments;

internal static class RobustnessFigure
{
    public static (string Name, string Caption)[] Draw(RobustnessResult result, ExperimentFolder folder)
    {
        _ = (result, folder);
        return [];
    }
}
