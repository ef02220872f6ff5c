using System.Runtime.InteropServices;
using FsCheck.Xunit;
using static TorchSharp.torch;

namespace DenoiseService.Model.Tests;

public sealed class DenoiserTests
{
    private static readonly ModelConfig Tile32 = Networks.Tile(32, 4);

    /// <summary>A picture 1 to 200 pixels on a side, an engine with any tile and overlap that give at most 1,500 tiles.</summary>
    private static (int Height, int Width, int Channels, ModelConfig Config, DenoiserOptions Options) Any(Random random)
    {
        int height = random.Next(1, 201), width = random.Next(1, 201), tile = new[] { 4, 8, 16, 32, 64 }[random.Next(5)], overlap = random.Next(tile);
        while (TilePlan.For(height, width, tile, overlap).Count > 1500) (tile, overlap) = overlap > tile / 2 ? (tile, overlap / 2) : (tile * 2, overlap);
        return (height, width, random.Next(2) == 0 ? 1 : 3, Networks.Tile(tile, 4), new DenoiserOptions { Overlap = overlap, Threads = random.Next(1, 3) });
    }

    [Property(MaxTest = 150, Arbitrary = [typeof(Seeds)])]
    public void An_identity_network_returns_any_picture_bit_for_bit(int seed)
    {
        var random = new Random(seed);
        (int height, int width, int channels, ModelConfig config, DenoiserOptions options) = Any(random);
        float[] picture = Numbers.Uniform(channels * height * width, seed);
        float[] result = [.. picture];
        using Denoiser denoiser = Networks.Engine(config, tiles => tiles.clone(), options);
        denoiser.Denoise(result, height, width, random.Next(2) == 0 ? 1 : random.NextSingle());
        Assert.Equal(MemoryMarshal.AsBytes<float>(picture), MemoryMarshal.AsBytes<float>(result));
    }

    [Property(MaxTest = 60, Arbitrary = [typeof(Seeds)])]
    public void Strength_0_returns_any_picture_bit_for_bit_whatever_the_network_does(int seed)
    {
        (int height, int width, int channels, ModelConfig config, DenoiserOptions options) = Any(new Random(seed));
        float[] picture = Numbers.Uniform(channels * height * width, seed);
        float[] result = [.. picture];
        using Denoiser denoiser = Networks.Engine(config, tiles => (ones_like(tiles) - tiles).square(), options);
        denoiser.Denoise(result, height, width, strength: 0);
        Assert.Equal(MemoryMarshal.AsBytes<float>(picture), MemoryMarshal.AsBytes<float>(result));
    }

    [Property(MaxTest = 60, Arbitrary = [typeof(Seeds)])]
    public void A_batch_of_several_pictures_gives_each_what_it_gets_alone(int seed)
    {
        var random = new Random(seed);
        ModelConfig config = Networks.Tile(16, 4);
        var options = new DenoiserOptions { Overlap = random.Next(12), Threads = random.Next(1, 3) };
        using Denoiser denoiser = Networks.Engine(config, tiles => tiles.square(), options);
        var alone = new List<float[]>();
        var together = new List<(float[] Samples, TiledPicture Picture)>();
        for (int p = random.Next(1, 5); p > 0; p--)
        {
            int height = random.Next(1, 80), width = random.Next(1, 80), channels = random.Next(2) == 0 ? 1 : 3;
            float[] picture = Numbers.Uniform(channels * height * width, random.Next());
            float strength = random.NextSingle();
            float[] copy = [.. picture], own = [.. picture];
            denoiser.Denoise(own, height, width, strength);
            alone.Add(own);
            together.Add((copy, denoiser.Tile(copy, height, width, strength)));
        }

        while (together.Any(t => !t.Picture.Finished))
        {
            BatchPart[] parts = together.Select(t => new BatchPart(t.Picture, random.Next(Math.Min(20, t.Picture.TilesWaiting) + 1))).OrderBy(_ => random.Next()).ToArray();
            denoiser.Step(parts);
        }

        for (int p = 0; p < alone.Count; p++) Assert.Equal(alone[p], together[p].Samples);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(40)]
    [InlineData(5000)]
    public void Many_small_pictures_share_batches_and_all_are_finished(int megabytes)
    {
        int forwards = 0;
        using Denoiser denoiser = Networks.Engine(Tile32, tiles =>
        {
            Interlocked.Increment(ref forwards);
            return tiles * 0.5f;
        }, new DenoiserOptions { Threads = 1, BatchMemory = (long)megabytes << 20 });
        float[][] pictures = Enumerable.Range(0, 30).Select(i => Numbers.Uniform((20 + i) * 40, i)).ToArray();
        float[][] results = pictures.Select(p => p.ToArray()).ToArray();
        TiledPicture[] tiled = results.Select((r, i) => denoiser.Tile(r, 20 + i, 40)).ToArray();
        denoiser.Denoise(tiled);
        Assert.All(tiled, t => Assert.True(t.Finished));
        for (int i = 0; i < 30; i++) Assert.InRange(Numbers.LargestDifference(pictures[i].Select(p => p * 0.5), results[i]), 0, 2e-6);
        int all = tiled.Sum(t => t.Plan.Count), batches = (all + denoiser.MaxBatchTiles - 1) / denoiser.MaxBatchTiles;
        Assert.InRange(forwards, 1, batches + (all + 15) / 16); // in chunks of 16
        denoiser.Denoise(tiled); // finished pictures are left alone
        denoiser.Denoise(Array.Empty<TiledPicture>());
    }

    [Property(MaxTest = 60, Arbitrary = [typeof(Seeds)])]
    public void A_constant_offset_arrives_exactly_once_on_every_pixel(int seed)
    {
        (int height, int width, int channels, ModelConfig config, DenoiserOptions options) = Any(new Random(seed));
        float[] picture = Numbers.Uniform(channels * height * width, seed);
        float[] result = [.. picture];
        using Denoiser denoiser = Networks.Engine(config, tiles => tiles + full_like(tiles, 0.25f), options);
        denoiser.Denoise(result, height, width);
        Assert.InRange(Numbers.LargestDifference(picture.Select(p => Math.Min(1.0, p + 0.25)), result), 0, 2e-6);
    }

    [Theory]
    [InlineData(64, 96, 0)] // tiles side by side: the band is emptied between the rows
    [InlineData(64, 64, 31)]
    [InlineData(128, 40, 0)]
    public void An_offset_is_right_where_tiles_only_touch_and_where_they_nearly_coincide(int height, int width, int overlap)
    {
        float[] picture = Numbers.Uniform(3 * height * width, 1);
        float[] result = [.. picture];
        using Denoiser denoiser = Networks.Engine(Tile32, tiles => tiles * 0.5f, new DenoiserOptions { Overlap = overlap });
        denoiser.Denoise(result, height, width);
        Assert.InRange(Numbers.LargestDifference(picture.Select(p => p * 0.5), result), 0, 2e-6);
    }

    [Fact]
    public void Strength_is_a_linear_blend_of_input_and_result()
    {
        using Denoiser denoiser = Network(out _);
        float[] picture = Numbers.Uniform(3 * 50 * 70, 1), full = [.. picture];
        denoiser.Denoise(full, 50, 70);
        foreach (float strength in new[] { 0.25f, 0.5f, 1f })
        {
            float[] result = [.. picture];
            denoiser.Denoise(result, 50, 70, strength);
            Assert.InRange(Numbers.LargestDifference(picture.Select((p, i) => (double)p + strength * (full[i] - p)), result), 0, 1e-6);
        }

        Assert.True(Numbers.LargestDifference(picture, full) > 0.1);
    }

    [Fact]
    public void A_grey_picture_gets_the_mean_of_the_three_answers()
    {
        using Tensor gains = tensor(new[] { 0.2f, 0.4f, 0.9f }, [1, 3, 1, 1]);
        using Denoiser denoiser = Networks.Engine(Tile32, tiles => tiles * gains);
        float[] picture = Numbers.Uniform(40 * 40, 1), result = [.. picture];
        denoiser.Denoise(result, 40, 40);
        Assert.InRange(Numbers.LargestDifference(picture.Select(p => p * 0.5), result), 0, 1e-6);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 200)]
    [InlineData(3, 2)]
    [InlineData(31, 33)]
    [InlineData(32, 32)]
    [InlineData(199, 200)]
    public void A_real_network_runs_on_any_size_and_gives_finite_values_in_range(int height, int width)
    {
        using Denoiser denoiser = Network(out _);
        foreach (int channels in new[] { 1, 3 })
        {
            float[] picture = Numbers.Uniform(channels * height * width, 1);
            RoutingMap map = denoiser.Denoise(picture, height, width, withRouting: true)!;
            Assert.All(picture, p => Assert.InRange(p, 0, 1));
            Assert.Equal(((height + 3) / 4, (width + 3) / 4), (map.Rows, map.Columns));
        }
    }

    [Fact]
    public void Batch_size_and_threads_do_not_change_the_result()
    {
        float[] picture = Numbers.Uniform(3 * 150 * 170, 1);
        float[]? expected = null;
        foreach ((int tiles, int threads) in new[] { (1, 1), (1, 2), (7, 2), (16, 1), (64, 2), (1000, 1), (1000, 2) })
        {
            using Denoiser denoiser = Network(out _, new DenoiserOptions { Threads = threads });
            float[] result = [.. picture];
            TiledPicture tiled = denoiser.Tile(result, 150, 170);
            while (!tiled.Finished) denoiser.Step([new BatchPart(tiled, Math.Min(tiles, tiled.TilesWaiting))]);
            expected ??= result;
            Assert.InRange(Numbers.LargestDifference(expected, result), 0, 1e-5);
        }
    }

    [Theory]
    [InlineData(32, 1)] // one tile that is not worth several of libtorch's threads
    [InlineData(64, 2)] // one that is
    public void The_caller_keeps_its_number_of_libtorchs_threads_and_so_do_later_ones(int side, int ofNetwork)
    {
        int before = get_num_threads(), seen = 0, later = 0;
        try
        {
            set_num_threads(3);
            using Denoiser denoiser = Networks.Engine(Networks.Tile(side, 4), tiles =>
            {
                seen = get_num_threads();
                return tiles.clone();
            }, new DenoiserOptions { Threads = 2 });
            denoiser.Denoise(new float[side * side], side, side);
            var thread = new Thread(() => later = get_num_threads());
            thread.Start();
            thread.Join();
            Assert.Equal((ofNetwork, 3, 3), (seen, get_num_threads(), later));
        }
        finally
        {
            set_num_threads(before);
        }
    }

    [Fact]
    public void Routing_is_copied_only_where_a_picture_wants_its_map()
    {
        // Twice as much of it as there is room for: a copy would fail.
        using var denoiser = new Denoiser(Tile32, tiles => (tiles.clone(), full([tiles.shape[0], 2 * Tile32.Blocks, Tile32.Tokens, Tile32.Experts], 0.5f)));
        denoiser.Denoise(new float[32 * 32], 32, 32);
        Assert.ThrowsAny<ArgumentException>(() => denoiser.Denoise(new float[32 * 32], 32, 32, withRouting: true));
    }

    [Theory]
    [InlineData(AttentionKind.AdaptiveMixture)]
    [InlineData(AttentionKind.NonAdaptiveSparse)]
    [InlineData(AttentionKind.Standard)]
    public void One_tile_is_the_networks_own_output(AttentionKind kind)
    {
        ModelConfig config = Networks.Tiny with { Attention = kind, Residual = true };
        RandomWeights weights = RandomWeights.For(config, 2);
        using SmallViT network = weights.Network(config);
        using var denoiser = new Denoiser(weights.Network(config));
        float[] picture = Numbers.Uniform(3 * 32 * 32, 1), result = [.. picture];
        denoiser.Denoise(result, 32, 32);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Assert.InRange(Numbers.LargestDifference(Networks.Read(network.call(tensor(picture, [1, 3, 32, 32])).Image), result), 0, 1e-5);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(10)]
    public void Out_of_memory_halves_the_batch_and_goes_on(int fits)
    {
        foreach (int threads in new[] { 1, 2 })
        {
            int refused = 0;
            using Denoiser denoiser = Networks.Engine(Tile32, tiles =>
            {
                if (tiles.shape[0] <= fits) return tiles * 0.5f;
                Interlocked.Increment(ref refused);
                throw new ExternalException("[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes. Error code 12 (Cannot allocate memory) not enough memory");
            }, new DenoiserOptions { Threads = threads });
            float[] picture = Numbers.Uniform(3 * 200 * 200, 1), result = [.. picture];
            denoiser.Denoise(result, 200, 200);
            Assert.InRange(Numbers.LargestDifference(picture.Select(p => p * 0.5), result), 0, 2e-6);
            Assert.InRange(denoiser.MaxBatchTiles, 1, 2 * fits);
            Assert.NotEqual(0, refused);
            refused = 0;
            denoiser.Denoise(result, 200, 200);
            Assert.Equal(0, refused); // it is remembered
        }
    }

    [Theory]
    [InlineData("[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 400000000000 bytes. Error code 12 (Cannot allocate memory)")]
    [InlineData("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes.")]
    [InlineData("CUDA out of memory. Tried to allocate 20.00 MiB")]
    public void Every_wording_of_libtorch_for_out_of_memory_is_known(string message)
    {
        using Denoiser denoiser = Networks.Engine(Tile32, tiles => tiles.shape[0] == 1 ? tiles.clone() : throw new ExternalException(message));
        denoiser.Denoise(new float[100 * 100], 100, 100);
        Assert.Equal(1, denoiser.MaxBatchTiles);
    }

    [Fact]
    public void The_wording_of_this_libtorch_is_known()
    {
        using Denoiser denoiser = Networks.Engine(Tile32, tiles =>
        {
            if (tiles.shape[0] > 1) empty(1L << 46).Dispose(); // 256 TB
            return tiles.clone();
        });
        denoiser.Denoise(new float[100 * 100], 100, 100);
        Assert.Equal(1, denoiser.MaxBatchTiles);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 40)]
    [InlineData(2, 1)]
    [InlineData(2, 40)]
    public void Out_of_memory_for_one_tile_and_other_failures_pass_through_as_they_are(int threads, int tiles)
    {
        foreach (string message in new[] { "not enough memory", "shape mismatch" })
        {
            using Denoiser denoiser = Networks.Engine(Tile32, _ => throw new ExternalException(message), new DenoiserOptions { Threads = threads });
            TiledPicture picture = denoiser.Tile(new float[200 * 200], 200, 200);
            Assert.Equal(message, Assert.Throws<ExternalException>(() => denoiser.Step([new BatchPart(picture, tiles)])).Message);
        }
    }

    [Theory]
    [InlineData(1, 1, float.NaN)]
    [InlineData(1, 40, float.NaN)]
    [InlineData(2, 1, float.NaN)]
    [InlineData(2, 40, float.NaN)]
    [InlineData(2, 40, float.PositiveInfinity)]
    public void An_output_that_is_not_finite_is_an_error_and_changes_nothing(int threads, int tiles, float value)
    {
        using Denoiser denoiser = Networks.Engine(Tile32, x =>
        {
            Tensor y = x.clone();
            y[0, 1, 2, 3] = value;
            return y;
        }, new DenoiserOptions { Threads = threads });
        float[] picture = Numbers.Uniform(200 * 200, 1), result = [.. picture];
        TiledPicture tiled = denoiser.Tile(result, 200, 200);
        Assert.Throws<NonFiniteOutputException>(() => denoiser.Step([new BatchPart(tiled, tiles)]));
        Assert.Equal(picture, result);
        Assert.False(tiled.Finished);
    }

    [Fact]
    public async Task A_real_network_with_NaN_weights_or_a_NaN_picture_ends_with_that_error()
    {
        foreach (ModelConfig config in new[] { new ModelConfig(), new ModelConfig { Attention = AttentionKind.NonAdaptiveSparse, KeysKept = [20] } })
        {
            using var denoiser = new Denoiser(RandomWeights.For(config, 1).Network(config));
            float[] picture = Numbers.Uniform(32 * 32, 1);
            picture[77] = float.NaN;
            await Task.Run(() => Assert.Throws<NonFiniteOutputException>(() => denoiser.Denoise(picture, 32, 32))).WaitAsync(TimeSpan.FromSeconds(20));

            SmallViT broken = RandomWeights.For(config, 1).Network(config);
            using (no_grad()) broken.Position[0, 3, 5] = float.NaN;
            using var second = new Denoiser(broken);
            await Task.Run(() => Assert.Throws<NonFiniteOutputException>(() => second.Denoise(new float[32 * 32], 32, 32))).WaitAsync(TimeSpan.FromSeconds(20));
        }
    }

    [Fact]
    public void A_batch_of_nothing_is_nothing()
    {
        using Denoiser denoiser = Networks.Engine(Tile32, tiles => tiles.clone(), new DenoiserOptions { Threads = 2 });
        denoiser.Step([]);
        TiledPicture picture = denoiser.Tile(new float[16], 4, 4);
        denoiser.Step([new BatchPart(picture, 0)]);
        Assert.Equal(1, picture.TilesWaiting);
    }

    [Fact]
    public void Cancellation_is_seen_between_batches()
    {
        using var source = new CancellationTokenSource();
        int batches = 0;
        using Denoiser denoiser = Networks.Engine(Tile32, tiles =>
        {
            batches++;
            source.Cancel();
            return tiles.clone();
        }, new DenoiserOptions { BatchMemory = 1 });
        Assert.Equal(1, denoiser.MaxBatchTiles);
        Assert.Throws<OperationCanceledException>(() => denoiser.Denoise(new float[100 * 100], 100, 100, cancellationToken: source.Token));
        Assert.Equal(1, batches);
    }

    [Fact]
    public void The_batch_follows_the_memory_budget()
    {
        using Denoiser small = Networks.Engine(new ModelConfig(), t => t, new DenoiserOptions { BatchMemory = 16L << 20 });
        using Denoiser large = Networks.Engine(new ModelConfig(), t => t, new DenoiserOptions { BatchMemory = 256L << 20 });
        Assert.InRange(large.MaxBatchTiles, 12 * small.MaxBatchTiles, 20 * small.MaxBatchTiles);
        using Denoiser bigTiles = Networks.Engine(new ModelConfig { TileSide = 64 }, t => t, new DenoiserOptions { BatchMemory = 256L << 20 });
        Assert.InRange(bigTiles.MaxBatchTiles, 1, large.MaxBatchTiles / 4);
        Assert.Equal(TilePlan.For(100, 50, 32, 8).Count, small.TilesOf(100, 50));
    }

    [Theory]
    [InlineData(-1, 1)]
    [InlineData(32, 1)]
    [InlineData(8, 0)]
    public void Options_out_of_range_are_refused(int overlap, int threads) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Networks.Engine(Tile32, t => t, new DenoiserOptions { Overlap = overlap, Threads = threads }));

    [Fact]
    public void A_network_is_as_it_was_where_its_options_were_refused()
    {
        using SmallViT network = Networks.Trained(Networks.Photographs);
        Assert.Throws<ArgumentOutOfRangeException>(() => new Denoiser(network, new DenoiserOptions { Overlap = 500, Precision = Precision.BFloat16 }));
        Assert.All(network.parameters(), p => Assert.Equal(ScalarType.Float32, p.dtype));
    }

    [Fact]
    public void Tiles_that_answer_differently_leave_no_visible_seam()
    {
        // The hardest kind of answer: from one edge of a tile to the other the added value rises, so neighbours disagree most where they meet.
        using Tensor ramp = linspace(0, 0.2, 32).reshape(1, 1, 1, 32);
        (double border, double elsewhere) hard = Seams(ramp, overlap: 0), soft = Seams(ramp, overlap: 8), softer = Seams(ramp, overlap: 16);
        Assert.True(hard.border > 20 * hard.elsewhere, "the measure sees a seam where nothing is blended");
        Assert.InRange(soft.border, 0, 1.5 * soft.elsewhere);
        Assert.InRange(softer.border, 0, 1.5 * softer.elsewhere);

        static (double Border, double Elsewhere) Seams(Tensor ramp, int overlap)
        {
            using Denoiser denoiser = Networks.Engine(Tile32, tiles => tiles + ramp, new DenoiserOptions { Overlap = overlap });
            float[] result = Enumerable.Repeat(0.4f, 192 * 192).ToArray();
            denoiser.Denoise(result, 192, 192);
            return EdgeEnergy(result, 192, TilePlan.For(192, 192, 32, overlap).Columns, (_, _) => true);
        }
    }

    [Fact]
    public void Tiles_that_shift_the_mean_are_blended()
    {
        // Every tile moves towards grey by half its own mean: on a ramp neighbours disagree by a constant.
        using Denoiser denoiser = Networks.Engine(Tile32, tiles => tiles - 0.5f * tiles.mean([1, 2, 3], keepdim: true));
        float[] result = Enumerable.Range(0, 200 * 200).Select(i => i % 200 / 200f).ToArray();
        denoiser.Denoise(result, 200, 200);
        TileAxis columns = TilePlan.For(200, 200, 32, 8).Columns;
        double largestShift = 0.5 * 24 / 200; // between neighbouring tiles
        for (int x = 1; x < 200; x++) Assert.InRange(Math.Abs(result[100 * 200 + x] - result[100 * 200 + x - 1] - 1 / 200f), 0, largestShift / 6);
        Assert.True(columns.Starts.Count > 5);
    }

    [Fact]
    public void A_real_network_draws_no_tile_borders_on_a_smooth_picture()
    {
        // Tiles every 24 pixels, so that all patch borders lie at multiples of 4: tile borders are compared with the other patch borders.
        using Denoiser denoiser = Network(out _);
        const int side = 32 + 24 * 6;
        float[] picture = Enumerable.Range(0, 3 * side * side).Select(i => 0.5f + 0.2f * MathF.Sin(i % side / 20f) + 0.2f * MathF.Cos(i / side % side / 30f)).ToArray();
        denoiser.Denoise(picture, side, side);
        TileAxis columns = TilePlan.For(side, side, 32, 8).Columns;
        Assert.Equal(24, columns.Starts[1]);
        (double border, double elsewhere) = EdgeEnergy(picture, side, columns, (x, _) => x % 4 == 0);
        Assert.InRange(border, 0, 1.25 * elsewhere);
    }

    /// <summary>The mean squared step from pixel to pixel along rows: where a tile begins or ends, and elsewhere.</summary>
    private static (double Border, double Elsewhere) EdgeEnergy(float[] plane, int width, TileAxis columns, Func<int, int, bool> counts)
    {
        HashSet<int> borders = [.. columns.Starts.Skip(1), .. columns.Starts.SkipLast(1).Select(s => s + columns.Tile)];
        double atBorder = 0, elsewhere = 0;
        int borderCount = 0, elsewhereCount = 0;
        for (int i = 1; i < width * width; i++)
        {
            int x = i % width;
            if (x == 0 || !counts(x, i / width)) continue;
            double step = (plane[i] - plane[i - 1]) * (plane[i] - plane[i - 1]);
            if (borders.Contains(x)) (atBorder, borderCount) = (atBorder + step, borderCount + 1);
            else (elsewhere, elsewhereCount) = (elsewhere + step, elsewhereCount + 1);
        }

        return (atBorder / borderCount, elsewhere / elsewhereCount);
    }

    private static Denoiser Network(out ModelConfig config, DenoiserOptions? options = null)
    {
        config = Networks.Tiny with { Residual = true };
        return new Denoiser(RandomWeights.For(config, 4).Network(config), options);
    }
}
