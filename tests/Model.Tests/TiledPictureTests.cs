using FsCheck.Xunit;

namespace DenoiseService.Model.Tests;

public sealed class TiledPictureTests
{
    [Property(MaxTest = 300, Arbitrary = [typeof(Seeds)])]
    public void Tiles_hold_the_pictures_pixels_and_its_reflection_beyond_the_border(int seed)
    {
        var random = new Random(seed);
        int height = random.Next(1, 60), width = random.Next(1, 60), channels = random.Next(2) == 0 ? 1 : 3, tile = random.Next(1, 33), overlap = random.Next(tile);
        float[] samples = Numbers.Uniform(channels * height * width, seed);
        var picture = new TiledPicture([.. samples], height, width, Networks.Tile(tile), overlap);
        var pixels = new float[3 * tile * tile];
        for (int i = 0; i < Math.Min(picture.Plan.Count, 50); i++)
        {
            Assert.Equal(i, picture.HandOutNext());
            picture.Copy(i, pixels);
            int top = picture.Plan.Rows.Starts[i / picture.Plan.Columns.Starts.Count], left = picture.Plan.Columns.Starts[i % picture.Plan.Columns.Starts.Count];
            for (int c = 0; c < 3; c++)
            {
                for (int y = 0; y < tile; y++)
                {
                    for (int x = 0; x < tile; x++)
                    {
                        int sy = TileAxis.Reflect(top + y, height), sx = TileAxis.Reflect(left + x, width);
                        Assert.Equal(samples[((channels == 1 ? 0 : c) * height + sy) * width + sx], pixels[(c * tile + y) * tile + x]);
                    }
                }
            }
        }
    }

    [Property(MaxTest = 300, Arbitrary = [typeof(Seeds)])]
    public void The_result_is_the_weighted_mean_of_the_tiles_answers(int seed)
    {
        // Every tile answers something of its own; the definition: Σ weight · answer, in double precision.
        var random = new Random(seed);
        int height = random.Next(1, 70), width = random.Next(1, 70), channels = random.Next(2) == 0 ? 1 : 3, tile = random.Next(4, 33);
        int overlap = random.Next(3) == 0 ? 0 : random.Next(tile * 3 / 4);
        if (random.Next(3) == 0) (height, width) = (tile * random.Next(1, 4), tile * random.Next(1, 4));
        float[] samples = Numbers.Uniform(channels * height * width, seed);
        float strength = random.NextSingle();
        var picture = new TiledPicture([.. samples], height, width, Networks.Tile(tile), overlap, strength);
        float[] result = samples;
        var blended = new double[channels * height * width];
        var pixels = new float[3 * tile * tile];
        float[] held = [.. samples];
        picture = new TiledPicture(held, height, width, Networks.Tile(tile), overlap, strength);
        while (picture.TilesWaiting > 0)
        {
            int i = picture.HandOutNext(), row = i / picture.Plan.Columns.Starts.Count, column = i % picture.Plan.Columns.Starts.Count;
            float[] answer = Numbers.Uniform(pixels.Length, random.Next());
            for (int c = 0; c < 3; c++)
            {
                for (int y = 0; y < tile && picture.Plan.Rows.Starts[row] + y < height; y++)
                {
                    for (int x = 0; x < tile && picture.Plan.Columns.Starts[column] + x < width; x++)
                    {
                        int at = ((channels == 1 ? 0 : c) * height + picture.Plan.Rows.Starts[row] + y) * width + picture.Plan.Columns.Starts[column] + x;
                        double weight = (double)picture.Plan.Rows.WeightsOf(row)[y] * picture.Plan.Columns.WeightsOf(column)[x];
                        blended[at] += weight * answer[(c * tile + y) * tile + x] / (channels == 1 ? 3 : 1);
                    }
                }
            }

            picture.Accept(i, answer, []);
        }

        Assert.True(picture.Finished);
        Assert.InRange(Numbers.LargestDifference(result.Select((s, i) => s + strength * (blended[i] - s)), held), 0, 1e-5);
    }

    [Fact]
    public void Beside_the_picture_only_a_band_is_held()
    {
        const int height = 1500, width = 1000;
        float[] samples = Numbers.Uniform(3 * height * width, 1); // 18 MB
        var pixels = new float[3 * 32 * 32];
        ModelConfig config = Networks.Tile(32);
        long before = GC.GetAllocatedBytesForCurrentThread();
        var picture = new TiledPicture(samples, height, width, config, 8);
        while (picture.TilesWaiting > 0)
        {
            int tile = picture.HandOutNext();
            picture.Copy(tile, pixels);
            picture.Accept(tile, pixels, []);
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 3 * 32 * width * sizeof(float) + 200_000);
        Assert.True(picture.Finished);
    }

    [Fact]
    public void Tiles_out_of_order_are_refused()
    {
        var picture = new TiledPicture(new float[64 * 64], 64, 64, Networks.Tile(32), 0);
        var pixels = new float[3 * 32 * 32];
        picture.HandOutNext();
        picture.HandOutNext();
        Assert.Throws<InvalidOperationException>(() => picture.Accept(1, pixels, []));
    }

    [Theory]
    [InlineData(0, 4, 16, 1f)]
    [InlineData(4, 0, 16, 1f)]
    [InlineData(4, 4, 15, 1f)]
    [InlineData(4, 4, 32, 1f)]
    [InlineData(65536, 65536, 0, 1f)]
    [InlineData(4, 4, 16, -0.1f)]
    [InlineData(4, 4, 16, 1.1f)]
    [InlineData(4, 4, 16, float.NaN)]
    public void Wrong_sizes_and_strengths_are_refused(int height, int width, int samples, float strength) =>
        Assert.ThrowsAny<ArgumentException>(() => new TiledPicture(new float[samples], height, width, Networks.Tile(32), 8, strength));

    [Fact]
    public void A_map_that_was_not_asked_for_or_is_not_complete_is_refused()
    {
        Assert.Throws<InvalidOperationException>(() => new TiledPicture(new float[16], 4, 4, Networks.Tile(32), 8, withRouting: true).Routing());
        var picture = new TiledPicture(new float[16], 4, 4, Networks.Tile(32), 8);
        var pixels = new float[3 * 32 * 32];
        picture.Accept(picture.HandOutNext(), pixels, []);
        Assert.Throws<InvalidOperationException>(() => picture.Routing());
    }
}
