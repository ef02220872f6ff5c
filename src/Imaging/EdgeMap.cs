namespace DenoiseService.Imaging;

/// <summary>How much edge there is in every patch: the gradient magnitude of the grey picture, by central differences (one-sided at the border), averaged over the patch.</summary>
public sealed class EdgeMap
{
    private readonly float[] _means;
    private readonly int _columns;

    private EdgeMap(float[] means, int columns) => (_means, _columns) = (means, columns);

    /// <summary>The mean of one whole patch; 0 for a patch that sticks out of the picture.</summary>
    public float At(int row, int column) => _means[row * _columns + column];

    /// <summary>Looks at a picture; grey is 0.299 R + 0.587 G + 0.114 B.</summary>
    /// <param name="picture">Of any size.</param>
    /// <param name="patchSide">Pixels, at least 1.</param>
    public static EdgeMap Of(Picture picture, int patchSide)
    {
        ArgumentNullException.ThrowIfNull(picture);
        ArgumentOutOfRangeException.ThrowIfLessThan(patchSide, 1);
        int height = picture.Height, width = picture.Width, columns = (width + patchSide - 1) / patchSide, rows = (height + patchSide - 1) / patchSide;
        var means = new float[rows * columns];
        float[] above = Grey(picture, 0), here = above, below = Grey(picture, Math.Min(1, height - 1));
        for (int y = 0; y < height / patchSide * patchSide; y++)
        {
            float span = Math.Max(1, Math.Min(y + 1, height - 1) - Math.Max(y - 1, 0));
            for (int x = 0; x < width / patchSide * patchSide; x++)
            {
                int left = Math.Max(x - 1, 0), right = Math.Min(x + 1, width - 1);
                float dx = (here[right] - here[left]) / Math.Max(1, right - left), dy = (below[x] - above[x]) / span;
                means[y / patchSide * columns + x / patchSide] += MathF.Sqrt(dx * dx + dy * dy) / (patchSide * patchSide);
            }

            (above, here, below) = (here, below, Grey(picture, Math.Min(y + 2, height - 1)));
        }

        return new EdgeMap(means, columns);
    }

    private static float[] Grey(Picture picture, int y)
    {
        int plane = picture.Height * picture.Width, start = y * picture.Width;
        ReadOnlySpan<float> Row(int channel) => picture.Samples.AsSpan(channel * plane + start, picture.Width);
        if (picture.Channels == 1) return Row(0).ToArray();
        ReadOnlySpan<float> red = Row(0), green = Row(1), blue = Row(2);
        var grey = new float[picture.Width];
        for (int x = 0; x < grey.Length; x++) grey[x] = 0.299f * red[x] + 0.587f * green[x] + 0.114f * blue[x];
        return grey;
    }
}
