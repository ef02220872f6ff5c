namespace DenoiseService.Api.Routing;

/// <summary>Where the network spent its compute on one picture. Patches are listed row by row, from the top left.</summary>
/// <param name="Rows" example="9">Patches down: height / patchSide, rounded up.</param>
/// <param name="Columns" example="12">Patches across: width / patchSide, rounded up.</param>
/// <param name="PatchSide" example="4">Pixels.</param>
/// <param name="Height" example="33">Pixels of the upright picture.</param>
/// <param name="Width" example="47">Pixels of the upright picture.</param>
/// <param name="KeysAttended">Keys that each expert attends to, in the order of the experts.</param>
/// <param name="Blocks">One for each block of the network, or the one that was asked for.</param>
public sealed record RoutingReport(int Rows, int Columns, int PatchSide, int Height, int Width, IReadOnlyList<int> KeysAttended, IReadOnlyList<BlockRouting> Blocks);

/// <summary>The routing of one block. Patches that stick out of the picture are marked −1 and count nowhere.</summary>
/// <param name="Block" example="0">From 0.</param>
/// <param name="Probabilities">rows × columns × experts numbers, rounded to 4 decimals: those of the first patch, of the second, …; −1 for a patch that sticks out.</param>
/// <param name="ChosenExperts">rows × columns numbers: the expert with the largest probability, from 0; −1 for a patch that sticks out.</param>
/// <param name="Counts">Patches that chose each expert.</param>
/// <param name="MeanKeys" example="41.7">Keys attended to, weighted by the probabilities, mean over the patches; null without a whole patch.</param>
/// <param name="Entropy" example="0.83">Of the probabilities, over its largest possible value, mean over the patches: 0 decided, 1 undecided; null without a whole patch.</param>
/// <param name="EdgeCorrelation">For each expert: Pearson's correlation of its probability with the edges (gradient magnitude of the grey picture as sent, mean over the patch); null where either does not vary.</param>
public sealed record BlockRouting(
    int Block, IReadOnlyList<float> Probabilities, IReadOnlyList<int> ChosenExperts, IReadOnlyList<int> Counts, double? MeanKeys, double? Entropy, IReadOnlyList<double?> EdgeCorrelation);
