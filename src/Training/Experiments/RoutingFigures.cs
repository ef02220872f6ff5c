using System.Globalization;
using DenoiseService.Imaging;
using DenoiseService.Training.Experiments.Figures;

namespace DenoiseService.Training.Experiments;

/// <summary>The figures of a routing study, as the report has them.</summary>
internal static class RoutingFigures
{
    private const int Cell = 150, Side = 190;

    /// <summary>Draws into the folder what there is to show: the maps of every block, and a summary of load and correlation.</summary>
    /// <returns>Names and captions of what was drawn, for the report.</returns>
    public static (string Name, string Caption)[] Draw(RoutingStudyResult result, ExperimentFolder folder)
    {
        if (result.Blocks.Count == 0) return [];
        var drawn = new List<(string, string)>();
        foreach (BlockSummary block in result.Blocks.Where(_ => result.Shown.Count > 0))
        {
            string name = Invariant($"routing-block{block.Block + 1}");
            FigureFile.Save(new GridPanel(2, [Maps(result, block), Key(result, block)]) { Widths = [Cell * (4 + block.Experts.Count), Side] }, folder, name, Cell * (4 + block.Experts.Count) + Side, Cell * result.Shown.Count + 60);
            drawn.Add((name, Invariant($"Routing of block {block.Block + 1}: input, noisy, edges, probability of every expert, chosen expert")));
        }

        FigureFile.Save(Summary(result), folder, "routing-summary", 1300, 460);
        drawn.Add(("routing-summary", "Load of the experts and correlation of their probability with edges; bars: standard deviation over images"));
        return [.. drawn];
    }

    /// <summary>One row a picture.</summary>
    internal static RasterGridPanel Maps(RoutingStudyResult result, BlockSummary block) => new(
        ["input", "noisy", "edges", .. block.Experts.Select(Expert), "chosen"], [.. result.Shown.Select(s => s.Name)], [.. result.Shown.SelectMany(shown => Row(shown, block, Range(result, block)))]);

    /// <summary>Load and correlation, one group a block, one bar an expert.</summary>
    internal static GridPanel Summary(RoutingStudyResult result)
    {
        string[] blocks = result.Blocks.Select(b => Invariant($"block {b.Block + 1}")).ToArray();
        return new GridPanel(2,
        [
            new BarPanel("Load", "mean probability in %", blocks, Bars(e => e.Load.Mean, e => e.Load.Sd)) { Format = "F1" },
            new BarPanel("Correlation with edges", "Pearson's correlation", blocks, Bars(e => e.Edges.Mean, e => e.Edges.Sd)) { Format = "F2" },
        ]);

        BarSeries[] Bars(Func<ExpertSummary, double> mean, Func<ExpertSummary, double> sd) => result.Blocks[0].Experts
            .Select((first, e) => new BarSeries(Expert(first), result.Blocks.Select(b => mean(b.Experts[e])).ToArray(), result.Blocks.Select(b => sd(b.Experts[e])).ToArray())).ToArray();
    }

    private static GridPanel Key(RoutingStudyResult result, BlockSummary block)
    {
        (double low, double high) = Range(result, block);
        return new GridPanel(1, [new ColourBarPanel("probability", low, high), new ChoiceKeyPanel([.. block.Experts.Select(Expert)])]) { Heights = [1.5, 1] };
    }

    /// <summary>One scale for all experts and pictures, so that maps can be compared; not 0 to 1, for routing may be nearly even.</summary>
    private static (double Low, double High) Range(RoutingStudyResult result, BlockSummary block)
    {
        float[] all = result.Shown.SelectMany(s => s.Figure!.Blocks[block.Block].Probabilities.SelectMany(p => p)).ToArray();
        return (all.Min(), Math.Max(all.Max(), all.Min() + 1e-3));
    }

    private static RasterPanel[] Row(ShownRouting shown, BlockSummary block, (double Low, double High) range)
    {
        ShownFigure figure = shown.Figure!;
        ShownBlock maps = figure.Blocks[block.Block];
        var chosen = new int[shown.Rows, shown.Columns];
        for (int i = 0; i < maps.Chosen.Count; i++) chosen[i / shown.Columns, i % shown.Columns] = maps.Chosen[i];
        return [Shown(figure.Clean), Shown(figure.Noisy), new MapPanel(Grid(figure.Edges), 0, Math.Max(1e-6, figure.Edges.Max())), .. maps.Probabilities.Select(p => new MapPanel(Grid([.. p.Select(v => (double)v)]), range.Low, range.High)), new ChoicePanel(chosen)];

        double[,] Grid(IReadOnlyList<double> values)
        {
            var grid = new double[shown.Rows, shown.Columns];
            for (int i = 0; i < values.Count; i++) grid[i / shown.Columns, i % shown.Columns] = values[i];
            return grid;
        }
    }

    private static PicturePanel Shown(Picture picture)
    {
        var rgb = new float[picture.Height, picture.Width, 3];
        int plane = picture.Height * picture.Width;
        for (int i = 0; i < 3 * plane; i++) rgb[i % plane / picture.Width, i % picture.Width, i / plane] = picture.Samples[picture.Channels == 1 ? i % plane : i];
        return new PicturePanel(rgb);
    }

    private static string Expert(ExpertSummary e) => Invariant($"expert {e.Expert + 1} ({e.Keys} keys)");

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
