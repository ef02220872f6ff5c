using System.Globalization;
using DenoiseService.Imaging;

namespace DenoiseService.Training.Experiments;

/// <summary>One panel of a grid: a picture, or a map with its scale.</summary>
/// <param name="Title">Above it.</param>
/// <param name="Picture">What is shown as it is; null for a map.</param>
/// <param name="Map">Values [row, column], the top row first; null for a picture.</param>
/// <param name="Lowest">Of the map's scale.</param>
/// <param name="Highest">Of the map's scale.</param>
/// <param name="Categories">The values are whole numbers that name experts, from 0, not amounts.</param>
internal sealed record RoutingPanel(string Title, Picture? Picture, double[,]? Map, double Lowest, double Highest, bool Categories);

/// <summary>A figure of panels: one row a picture.</summary>
/// <param name="Name">Of the file, without extension.</param>
/// <param name="Caption">Below it.</param>
/// <param name="Rows">The first is on top.</param>
internal sealed record RoutingGrid(string Name, string Caption, IReadOnlyList<IReadOnlyList<RoutingPanel>> Rows);

/// <summary>A figure of bars with error bars: one group a block, one bar an expert.</summary>
/// <param name="Name">Of the file, without extension.</param>
/// <param name="Caption">Below it.</param>
/// <param name="Axis">What the height is, with its unit.</param>
/// <param name="Groups">Names of the groups.</param>
/// <param name="Bars">Names of the bars within a group.</param>
/// <param name="Means">[group][bar]; NaN where there is none.</param>
/// <param name="Sds">[group][bar]: standard deviation over images.</param>
internal sealed record RoutingBars(string Name, string Caption, string Axis, IReadOnlyList<string> Groups, IReadOnlyList<string> Bars, double[][] Means, double[][] Sds);

/// <summary>The figures of a routing study.</summary>
internal static class RoutingFigures
{
    /// <summary>Draws into the folder what there is to show.</summary>
    /// <returns>Names and captions of what was drawn, for the report.</returns>
    public static (string Name, string Caption)[] Draw(RoutingStudyResult result, ExperimentFolder folder)
    {
        IReadOnlyList<RoutingGrid> grids = Grids(result);
        IReadOnlyList<RoutingBars> bars = Bars(result);
        // MERGE: the one place where grids and bars are given to Experiments/Figures; return their names and captions then.
        _ = (grids, bars, folder);
        return [];
    }

    /// <summary>For every block: input, noisy, edges, a map for each expert, the chosen experts.</summary>
    internal static IReadOnlyList<RoutingGrid> Grids(RoutingStudyResult result) => result.Shown.Count == 0 ? [] : result.Blocks.Select(block => new RoutingGrid(
        Invariant($"routing-block{block.Block + 1}"), Invariant($"Routing of block {block.Block + 1}: input, noisy, edges, probability of every expert, chosen expert"),
        result.Shown.Select(shown => Row(shown, block)).ToArray())).ToArray();

    /// <summary>Load and correlation with the clean image's edges.</summary>
    internal static IReadOnlyList<RoutingBars> Bars(RoutingStudyResult result)
    {
        if (result.Blocks.Count == 0) return [];
        return
        [
            Of("routing-load", "Load of the experts; bars: standard deviation over images", "load, %", e => e.Load),
            Of("routing-correlation", "Correlation of the experts' probability with edges; bars: standard deviation over images", "Pearson's correlation", e => new MeanSd(e.Edges.Mean, e.Edges.Sd)),
        ];

        RoutingBars Of(string name, string caption, string axis, Func<ExpertSummary, MeanSd> value) => new(
            name, caption, axis, result.Blocks.Select(b => Invariant($"block {b.Block + 1}")).ToArray(), result.Blocks[0].Experts.Select(Expert).ToArray(),
            result.Blocks.Select(b => b.Experts.Select(e => value(e).Mean).ToArray()).ToArray(), result.Blocks.Select(b => b.Experts.Select(e => value(e).Sd).ToArray()).ToArray());
    }

    private static RoutingPanel[] Row(ShownRouting shown, BlockSummary block)
    {
        ShownFigure figure = shown.Figure!;
        ShownBlock maps = figure.Blocks[block.Block];
        return
        [
            new(shown.Name, figure.Clean, null, 0, 1, false),
            new("noisy", figure.Noisy, null, 0, 1, false),
            new("edges", null, Grid(figure.Edges), 0, figure.Edges.Max(), false),
            // One scale for all experts, so that their panels can be compared.
            .. maps.Probabilities.Select((p, e) => new RoutingPanel(Expert(block.Experts[e]), null, Grid(p.Select(v => (double)v).ToArray()), 0, 1, false)),
            new("chosen", null, Grid(maps.Chosen.Select(c => (double)c).ToArray()), 0, maps.Probabilities.Count - 1, true),
        ];

        double[,] Grid(IReadOnlyList<double> values)
        {
            var grid = new double[shown.Rows, shown.Columns];
            for (int i = 0; i < values.Count; i++) grid[i / shown.Columns, i % shown.Columns] = values[i];
            return grid;
        }
    }

    private static string Expert(ExpertSummary e) => Invariant($"expert {e.Expert + 1} ({e.Keys} keys)");

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
