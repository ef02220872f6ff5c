namespace DenoiseService.Model;

/// <summary>
/// Where the cells of a square lie in memory once it was turned. The 8 turns and flips of the square are numbered by bits: 4 transposes, then 1 flips the rows
/// and 2 the columns; 0 leaves all in place. Who writes and reads by <see cref="At"/> turns and turns back.
/// </summary>
internal readonly record struct TurnedSquare
{
    /// <summary>How many there are.</summary>
    public const int Turns = 8;

    private readonly int _first, _down, _across;

    public TurnedSquare(int side, int turn)
    {
        int row = (turn & 1) == 0 ? side : -side, column = (turn & 2) == 0 ? 1 : -1;
        _first = (row < 0 ? (side - 1) * side : 0) + (column < 0 ? side - 1 : 0);
        (_down, _across) = (turn & 4) == 0 ? (row, column) : (column, row);
    }

    /// <summary>True if every row still is a row and reads from left to right.</summary>
    public bool KeepsRows => _across == 1;

    /// <summary>Index of the cell that stood at (y, x) before the turn.</summary>
    public int At(int y, int x) => _first + y * _down + x * _across;
}
