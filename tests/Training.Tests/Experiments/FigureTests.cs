using System.Xml.Linq;
using DenoiseService.Imaging;
using DenoiseService.Training.Experiments;
using DenoiseService.Training.Experiments.Figures;

namespace DenoiseService.Training.Tests.Experiments;

public sealed class FigureTests : IDisposable
{
    private static readonly string[] Networks = ["standard attention", "non-adaptive sparse", "adaptive sparse MoE", "uniform mixing, no router", "random routing by position", "adaptive, every expert keeps all 64", "standard, widened to as many parameters"];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Bars_have_their_names_values_and_reference()
    {
        Panel psnr = new BarPanel("PSNR", "PSNR in dB", Networks, [new BarSeries("PSNR", [20.1, 21.2, 22.3, 22.1, 22.0, 21.9, double.NaN], [0.3, 0.2, 0.15, 0.1, double.NaN, 0.2, 0.1])]) { Lying = true, FromZero = false, Format = "F2", Reference = (14.83, "noisy input") };
        Panel groups = new BarPanel("Correlation with edges", "correlation", ["block 1", "block 2"], [new BarSeries("cheap", [0.2, 0.1], [0.05, 0.02]), new BarSeries("medium", [0.1, -0.1], [0.05, 0.02]), new BarSeries("expensive", [-0.4, -0.2], [0.1, 0.05])]);
        AssertTexts(Saved(new GridPanel(2, [psnr, groups]) { Widths = [1.5, 1] }, "bars", 1300, 460), ["PSNR in dB", "random routing by position", "noisy input", "22.30", "expensive", "-0.4", "block 2"]);
    }

    [Fact]
    public void The_ablations_figure_has_every_network_and_says_what_its_line_is()
    {
        var recipe = new ExperimentRecord { Experiment = "ablation", Finished = true, Data = "none", WrittenAt = DateTimeOffset.UnixEpoch };
        AblationRow[] rows = AblationVariant.All.Select((v, i) =>
        {
            TrainingResult[] runs = Enumerable.Range(0, 3).Select(seed => new TrainingResult("", seed, 1, 1, 1, [new EvaluationRow(0.2, 9, new(14.83, 0.3), new(21 + i * 0.2 + seed * 0.1, 1), new(22, 1), new(0.65 + i * 0.01 + seed * 0.004, 0.05), new(0.42, 0.1))])).ToArray();
            return new AblationRow(v.Name, v.Label, 3, new(21.1 + i * 0.2, 1), 0.1, new(0.654 + i * 0.01, 0.05), 1, 1, 1, null, runs);
        }).ToArray();
        var folder = new ExperimentFolder(_folder.Path);
        AblationFigure.Draw(new AblationResult(recipe, 14.83, rows), folder);
        AssertTexts(Checked("ablation", 1300, 170 + 42 * rows.Length), [.. rows.Select(r => r.Label), "noisy input", "PSNR in dB", "SSIM"]);
    }

    [Fact]
    public void An_input_without_noise_has_no_line_for_its_infinite_psnr()
    {
        var record = new ExperimentRecord { Experiment = "ablation", Finished = true, Data = "none", WrittenAt = DateTimeOffset.UnixEpoch };
        var run = new TrainingResult("", 1, 1, 1, 1, [new EvaluationRow(0, 9, new(double.PositiveInfinity, double.NaN), new(30, 1), new(31, 1), new(0.9, 0.05), new(1, 0))]);
        var row = new AblationRow("adaptive", "adaptive sparse MoE", 1, new(30, 1), double.NaN, new(0.9, 0.05), 1, 1, 1, null, [run]);
        var noisy = new AblationResult(record, 14.83, [row]);
        Assert.NotNull(Psnr(noisy).Reference);
        Assert.Null(Psnr(noisy with { NoisyPsnr = double.PositiveInfinity }).Reference);

        static BarPanel Psnr(AblationResult result) => Assert.IsType<BarPanel>(AblationFigure.Panel(result).Panels[0]);
    }

    [Fact]
    public void Lines_over_sigma_have_a_legend_and_error_bars()
    {
        double[] sigma = [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35];
        AssertTexts(Saved(
            new LinePanel("Generalisation over the noise level", "noise σ (of 1)", "PSNR in dB",
            [
                new LineSeries("fixed σ = 0.2", sigma, [20.7, 21.5, 20.9, 19.4, 18.7, 18.2, 17.4], [0.3, 0.3, 0.2, 0.2, 0.2, 0.3, 0.3]),
                new LineSeries("variable σ", sigma, [25.9, 25.1, 24.2, 22.4, 20.8, 20.1, 19.2], [0.3, 0.3, 0.2, 0.2, 0.2, 0.3, 0.3]),
                new LineSeries("noisy input", sigma, [26.2, 20.4, 17.1, 14.8, 13.2, 12.0, 11.0]) { Dashed = true },
                new LineSeries("Gaussian blur", sigma, [21.3, 21.0, 20.3, 19.5, 18.8, 18.0, 17.2]),
                new LineSeries("non-local means", sigma, [28.3, 25.0, 22.3, 20.5, 18.8, 17.3, 16.0]),
            ]) { XTicks = sigma }, "robustness", 900, 620), ["variable σ", "noise σ (of 1)", "non-local means", "0.35"]);
    }

    [Fact]
    public void Log_log_lines_leave_out_what_was_not_measured()
    {
        double[] sides = [32, 64, 128, 256, 512];
        LineSeries full = new("full attention", sides, [0.001, 0.004, 0.03, 0.4, 7]), sparse = new("report's sparse form", sides, [0.008, 0.07, 0.9, 14, double.NaN]), fast = new("our fast form", sides, [0.003, 0.012, 0.1, 1.5, 22]);
        GridPanel all = new(3,
        [
            new LinePanel("FLOPs", "image side in pixels", "MFLOP", [full, fast]) { LogX = true, LogY = true, XTicks = sides, Marker = (34.6, "report's break-even") },
            new LinePanel("Wall clock", "image side in pixels", "seconds", [full, sparse, fast]) { LogX = true, LogY = true, XTicks = sides },
            new LinePanel("Memory", "image side in pixels", "extra MiB", [full, sparse, fast]) { LogX = true, LogY = true, XTicks = sides },
        ]);
        AssertTexts(Saved(all, "scaling", 1500, 560), ["our fast form", "break-even", "512", "extra MiB"]);
    }

    [Fact]
    public void Maps_pictures_and_choices_share_one_colour_bar() => Saved(Routing(3), "routing", 1300, 620);

    [Fact]
    public void An_overview_holds_grids_of_panels()
    {
        Panel bars = new BarPanel("Load", "share in %", ["cheap", "medium", "expensive"], [new BarSeries("load", [34.5, 37.1, 28.3], [4.7, 7.1, 6.1])]) { Format = "F1" };
        Panel scatter = new LinePanel("Edges", "edge strength", "probability of the expensive expert", [new LineSeries("tokens", [0.1, 0.2, 0.5, 0.7, 0.9], [0.5, 0.4, 0.42, 0.3, 0.2])]) { Joined = false };
        AssertTexts(Saved(new GridPanel(1, [new GridPanel(2, [bars, scatter]), Routing(2)]) { Title = "All in one", Heights = [1, 1] }, "overview", 1200, 900), ["All in one", "edge strength", "hard choice", "probability"]);
    }

    private static GridPanel Routing(int rows)
    {
        var cells = new List<RasterPanel?>();
        for (int r = 0; r < rows; r++)
        {
            var picture = new float[32, 32, 3];
            var map = new double[8, 8];
            var choices = new int[8, 8];
            for (int y = 0; y < 32; y++)
            {
                for (int x = 0; x < 32; x++) (picture[y, x, 0], picture[y, x, 1], picture[y, x, 2]) = (x / 31f, y / 31f, r / 3f);
            }

            for (int i = 0; i < 64; i++) (map[i / 8, i % 8], choices[i / 8, i % 8]) = (i / 63.0, (i / 8 + r) % 3);
            cells.AddRange([new PicturePanel(picture), new MapPanel(map), new MapPanel(map), new MapPanel(map), new MapPanel(map), new ChoicePanel(choices)]);
        }

        Panel side = new GridPanel(1, [new ColourBarPanel("probability"), new ChoiceKeyPanel(["k = 32", "k = 64", "k = 128"])]) { Heights = [1.5, 1] };
        return new GridPanel(2, [new RasterGridPanel(["input", "edges", "k = 32", "k = 64", "k = 128", "hard choice"], [.. Enumerable.Range(0, rows).Select(r => $"image {r}")], cells), side]) { Widths = [9, 1] };
    }

    /// <summary>A figure has text exactly where the machine has a font.</summary>
    private static void AssertTexts(string svg, string[] texts)
    {
        Assert.Equal(FigureFile.HasFonts, svg.Length > 0);
        if (FigureFile.HasFonts) Assert.All(texts, text => Assert.Contains(text, svg, StringComparison.Ordinal));
    }

    /// <summary>Saves, checks both files, gives the texts of the SVG, one a line.</summary>
    private string Saved(Panel panel, string name, int width, int height)
    {
        FigureFile.Save(panel, new ExperimentFolder(_folder.Path), name, width, height);
        return Checked(name, width, height);
    }

    private string Checked(string name, int width, int height)
    {
        Picture picture = ImageCodec.Decode(File.ReadAllBytes(_folder.File($"{name}.png")), new DecodeLimits(1 << 24, 10, 1, 4096));
        Assert.Equal((width, height), (picture.Width, picture.Height));
        Assert.True(picture.Samples.Distinct().Count() > 10);
        Assert.Equal(1, picture.Samples[0]);
        XDocument document = XDocument.Load(_folder.File($"{name}.svg"));
        Assert.Equal("svg", document.Root!.Name.LocalName);
        // For eyes: DENOISE_KEEP_FIGURES names a folder that takes a copy.
        if (Environment.GetEnvironmentVariable("DENOISE_KEEP_FIGURES") is { Length: > 0 } keep) foreach (string file in Directory.GetFiles(_folder.Path)) File.Copy(file, Path.Combine(keep, Path.GetFileName(file)), overwrite: true);
        return string.Join('\n', document.Descendants().Where(e => e.Name.LocalName == "text").Select(e => e.Value.Trim()));
    }
}
