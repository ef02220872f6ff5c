using DenoiseService.Training.Experiments;

namespace DenoiseService.Training.Tests.Experiments;

public sealed class RobustnessTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void It_measures_both_networks_and_the_input_at_every_level()
    {
        var settings = new RobustnessSettings { Data = ExperimentData.Of(SmallArchive.Write(_folder)), Recipe = SmallArchive.Recipe, Seeds = [1, 2], Sigmas = [0.1, 0.2] };
        RobustnessResult result = new Robustness(settings, new ExperimentFolder(_folder.File("out")), TimeProvider.System).Run();

        Assert.Equal(2, result.Fixed!.Psnr.Count);
        Assert.NotEqual(result.Fixed.Psnr, result.Variable!.Psnr);
        Assert.True(result.Noisy.Psnr[0].Mean > result.Noisy.Psnr[1].Mean + 5); // 6 dB but for clamping
        string report = File.ReadAllText(_folder.File("out/report.md"));
        Assert.Contains("no floor", report, StringComparison.Ordinal); // nobody measured the filters on these images
        Assert.Contains("variable σ 0.1–0.3", report, StringComparison.Ordinal);
    }

    [Fact]
    public void Classical_filters_are_shown_for_the_images_they_were_measured_on()
    {
        const string cifar = "9f749b5478e18593d0bb62a7b2506b6f8ac99a233aae964cb1eb3c552d7650fc";
        IReadOnlyList<RobustnessSeries> series = ClassicalFilters.On(cifar, clamped: true, [0.2, 0.123]);
        Assert.Equal(4, series.Count);
        Assert.All(series, s => Assert.InRange(s.Psnr[0].Mean, 15, 25));
        Assert.All(series, s => Assert.True(double.IsNaN(s.Psnr[1].Mean)));
        Assert.Empty(ClassicalFilters.On(cifar, clamped: false, [0.2]));
        Assert.Empty(ClassicalFilters.On("00", clamped: true, [0.2]));
    }
}
