using static TorchSharp.torch;

namespace DenoiseService.Model;

/// <summary>
/// Between the grid of a tile's tokens and the square windows within which they attend to each other. Shifted windows are the same windows on a
/// grid that is rolled by half a window; the tokens that come around at the border meet strangers there.
/// </summary>
internal readonly struct Windows
{
    private readonly int _perSide, _side, _gridSide;

    /// <param name="config">Gives the window; 0 is the whole grid.</param>
    /// <param name="gridSide">Tokens of the tile's side.</param>
    public Windows(ModelConfig config, int gridSide)
    {
        _gridSide = gridSide;
        _side = config.WindowSide == 0 ? gridSide : config.WindowSide;
        _perSide = (gridSide + _side - 1) / _side;
    }

    /// <summary>A grid of any side of at least one window, (B, side, side, D), continued by its reflection to whole windows.</summary>
    public Tensor Fill(Tensor grid)
    {
        int gridSide = _gridSide;
        if (_perSide * _side == gridSide) return grid;
        Tensor positions = tensor(Enumerable.Range(0, _perSide * _side).Select(position => (long)TileAxis.Reflect(position, gridSide)).ToArray());
        return grid.index_select(1, positions).index_select(2, positions);
    }

    /// <summary>Undoes <see cref="Fill"/>.</summary>
    public Tensor Crop(Tensor grid) => _perSide * _side == _gridSide ? grid : grid.narrow(1, 0, _gridSide).narrow(2, 0, _gridSide);

    /// <summary>(B, side, side, D) → (B·windows, N of a window, D).</summary>
    public Tensor Split(Tensor grid)
    {
        if (_perSide == 1) return grid.flatten(1, 2);
        return grid.reshape(-1, _perSide, _side, _perSide, _side, grid.shape[3]).permute(0, 1, 3, 2, 4, 5).reshape(-1, _side * _side, grid.shape[3]);
    }

    /// <summary>(B·windows, N of a window, D) → (B, side, side, D).</summary>
    public Tensor Join(Tensor x)
    {
        if (_perSide == 1) return x.unflatten(1, [_side, _side]);
        return x.reshape(-1, _perSide, _perSide, _side, _side, x.shape[2]).permute(0, 1, 3, 2, 4, 5).reshape(-1, _perSide * _side, _perSide * _side, x.shape[2]);
    }

    /// <summary>Regroups windows into those that lie half a window further down and right.</summary>
    public Tensor Shift(Tensor x) => Split(Join(x).roll([-_side / 2, -_side / 2], [1, 2]));

    /// <summary>Undoes <see cref="Shift"/>.</summary>
    public Tensor ShiftBack(Tensor x) => Split(Join(x).roll([_side / 2, _side / 2], [1, 2]));
}
