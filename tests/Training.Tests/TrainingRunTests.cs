using DenoiseService.Model;
using DenoiseService.Training.Data;

namespace DenoiseService.Training.Tests;

public sealed class TrainingRunTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Same_seed_gives_the_same_weights_and_curve()
    {
        string first = Train(Small.Recipe, "a"), second = Train(Small.Recipe, "b");
        Assert.Equal(File.ReadAllBytes(first), File.ReadAllBytes(second));
        Assert.Equal(History("a"), History("b"));
    }

    [Fact]
    public void Another_seed_gives_another_curve()
    {
        Train(Small.Recipe, "a");
        Train(Small.Recipe with { Seed = 8 }, "b");
        Assert.NotEqual(History("a"), History("b"));
    }

    [Theory]
    [InlineData(1, 1, OptimiserKind.AdamW)]
    [InlineData(4, 1, OptimiserKind.AdamW)]
    [InlineData(5, 1, OptimiserKind.AdamW)]
    [InlineData(11, 1, OptimiserKind.AdamW)]
    [InlineData(6, 2, OptimiserKind.AdamW)]
    [InlineData(5, 1, OptimiserKind.Muon)]
    [InlineData(6, 2, OptimiserKind.Muon)]
    public void A_run_stopped_at_any_step_and_resumed_equals_an_uninterrupted_one_to_the_bit(int stopAfter, int replicas, OptimiserKind optimiser)
    {
        Recipe recipe = Small.Recipe with { Replicas = replicas, Optimiser = optimiser };
        string whole = Train(recipe, "whole");
        using (var stop = new CancellationTokenSource())
        {
            var stopper = new Immediate<TrainingProgress>(p =>
            {
                if (p.Step == stopAfter) stop.Cancel();
            });
            Assert.Throws<OperationCanceledException>(() => Run(recipe, "parts", stopper).Run(stop.Token));
        }

        string parts = Train(recipe, "parts");
        Assert.Equal(File.ReadAllBytes(whole), File.ReadAllBytes(parts));
        Assert.Equal(History("whole"), History("parts"));
        Assert.Equal(File.ReadAllBytes(_folder.File("whole/state.safetensors")), File.ReadAllBytes(_folder.File("parts/state.safetensors")));
    }

    [Fact]
    public void A_run_that_died_after_its_last_saved_state_does_the_lost_steps_again()
    {
        string whole = Train(Small.Recipe, "whole");
        // A process that dies between two saves leaves the state of step 4 and history lines of later steps.
        Recipe recipe = Small.Recipe;
        using (var stop = new CancellationTokenSource())
        {
            var stopper = new Immediate<TrainingProgress>(p =>
            {
                if (p.Step == 4) stop.Cancel();
            });
            Assert.Throws<OperationCanceledException>(() => Run(recipe, "parts", stopper).Run(stop.Token));
        }

        File.AppendAllText(_folder.File("parts/history.csv"), "8,9,9,9\n");
        string parts = Train(recipe, "parts");
        Assert.Equal(File.ReadAllBytes(whole), File.ReadAllBytes(parts));
        Assert.Equal(History("whole"), History("parts"));
    }

    [Theory]
    [InlineData(LossKind.Charbonnier)]
    [InlineData(LossKind.LogMse)]
    [InlineData(LossKind.RelativeRmse)]
    public void Training_lowers_the_loss_and_beats_the_noisy_input(LossKind loss)
    {
        var psnr = new List<double>();
        Recipe recipe = Small.Recipe with { Steps = 150, ValidateEvery = 50, SigmaMin = 0.2, SigmaMax = 0.2, ClampedShare = 1, LearningRate = 3e-3, Loss = loss, RecolouredShare = 0.2 };
        Run(recipe, "run", new Immediate<TrainingProgress>(p =>
        {
            if (p.ValidationPsnr is { } v) psnr.Add(v);
        })).Run();
        Assert.True(psnr[^1] > psnr[0], $"{psnr[0]} → {psnr[^1]} dB");
        Assert.True(psnr[^1] > 15.8, $"{psnr[^1]} dB; the noisy input has about 14.8");
    }

    [Fact]
    public void The_relative_loss_divides_each_images_error_by_what_usually_remains_of_its_noise()
    {
        // A stem's last layer starts as zero: the first answer is the noisy image itself, clamped.
        Recipe recipe = Small.Recipe with { Model = Small.Told, Steps = 1, Loss = LossKind.RelativeRmse, LossFloor = 1e-3, BalanceWeight = 0 };
        double loss = 0, blind = 0;
        Run(recipe, "run", new Immediate<TrainingProgress>(p => loss = p.Loss)).Run();
        Run(recipe with { Loss = LossKind.Mse }, "squared", new Immediate<TrainingProgress>(p => blind = p.Loss)).Run(); // the loss of the estimated noise level is part of both
        using var scope = TorchSharp.torch.NewDisposeScope();
        (TorchSharp.torch.Tensor noisy, TorchSharp.torch.Tensor clean, TorchSharp.torch.Tensor sigma) = new Batches(recipe, Small.Data(40)).Of(0);
        double[] errors = [.. (noisy.narrow(1, 0, 3).clamp(0, 1) - clean).square().mean([1L, 2L, 3L]).data<float>()];
        double expected = errors.Zip(sigma.data<float>(), (error, s) => Math.Sqrt((error + 1e-3) / (0.006 * s + 1e-3))).Average();
        Assert.Equal(expected - errors.Average(), loss - blind, 1e-5);
    }

    [Fact]
    public void Grain_and_the_floor_of_the_loss_are_part_of_the_recipe()
    {
        Recipe recipe = Small.Recipe with { Steps = 8, LearningRate = 1e-2, Loss = LossKind.LogMse };
        string[] runs = [Train(recipe, "plain"), Train(recipe with { GrainMax = 0.1 }, "grain"), Train(recipe with { LossFloor = 0.01 }, "floor"), Train(recipe with { GrainMax = 0.1 }, "again")];
        Assert.NotEqual(File.ReadAllBytes(runs[0]), File.ReadAllBytes(runs[1]));
        Assert.NotEqual(File.ReadAllBytes(runs[0]), File.ReadAllBytes(runs[2]));
        Assert.Equal(File.ReadAllBytes(runs[1]), File.ReadAllBytes(runs[3]));
    }

    [Fact]
    public void Idle_units_are_revived_when_the_recipe_says_so()
    {
        // After the first step no unit has a gradient: the last layer starts as zero.
        Recipe recipe = Small.Recipe with { Model = Small.Model with { UnshuffledStem = true, HalfWidth = 4 }, Steps = 6, LearningRate = 1e-2 };
        string[] runs = [Train(recipe, "never"), Train(recipe with { ReviveEvery = 1 }, "from the first step"), Train(recipe with { ReviveEvery = 1 }, "again")];
        Assert.NotEqual(File.ReadAllBytes(runs[0]), File.ReadAllBytes(runs[1]));
        Assert.Equal(File.ReadAllBytes(runs[1]), File.ReadAllBytes(runs[2]));
        Assert.All(runs, run => Assert.InRange((int)Checkpoint.ReadCard(run).Training["idleUnits"]!, 0, 8)); // of two pairs
    }

    [Fact]
    public void A_network_learns_from_what_it_is_told()
    {
        Recipe recipe = Small.Recipe with { Model = Small.Told, Steps = 8, LearningRate = 1e-2 };
        string[] runs = [Train(recipe, "never"), Train(recipe with { ToldShare = 1 }, "always"), Train(recipe with { ToldShare = 1 }, "again")];
        Assert.NotEqual(File.ReadAllBytes(runs[0]), File.ReadAllBytes(runs[1]));
        Assert.Equal(File.ReadAllBytes(runs[1]), File.ReadAllBytes(runs[2]));
    }

    [Fact]
    public void A_network_learns_how_noisy_its_images_are()
    {
        Recipe recipe = Small.Recipe with { Model = Small.Told, Steps = 150, LearningRate = 1e-2, SigmaMin = 0, SigmaMax = 0.3, EmaDecay = null };
        using SmallViT fresh = SmallViT.WithSeed(recipe.Model, Seeds.Derive(recipe.Seed, 0, 0)), trained = Checkpoint.Load(Train(recipe, "levels")).Network;
        using var noGrad = TorchSharp.torch.no_grad();
        using TorchSharp.torch.Tensor sigma = TorchSharp.torch.linspace(0, 0.3, 8), clean = Small.Data(8).Sets[0].Batch([.. Enumerable.Range(0, 8)]), noisy = Noise.Add(clean, sigma, 1, 3);
        Assert.InRange(trained.NoiseLoss(noisy, sigma)!.item<float>(), 0, fresh.NoiseLoss(noisy, sigma)!.item<float>() / 2);
    }

    [Fact]
    public void A_run_whose_best_weights_are_gone_keeps_the_next_ones()
    {
        string best = Train(Small.Recipe with { Steps = 8 }, "run");
        File.Delete(best);
        Assert.True(File.Exists(Train(Small.Recipe with { Steps = 12 }, "run")));
    }

    [Fact]
    public void Other_validation_images_are_another_run()
    {
        Train(Small.Recipe with { Steps = 4 }, "run");
        var other = new TrainingRun(Small.Recipe with { Steps = 8 }, Small.Data(40), Small.Data(8, seed: 9), _folder.File("run"), TimeProvider.System);
        Assert.Equal("Validation", Assert.Throws<RecipeException>(() => other.Run()).Field);
    }

    [Fact]
    public void Without_validation_images_the_last_step_is_kept_and_no_psnr_is_reported()
    {
        var reported = new List<TrainingProgress>();
        string best = new TrainingRun(Small.Recipe with { Steps = 5 }, Small.Data(40), null, _folder.File("run"), TimeProvider.System, new Immediate<TrainingProgress>(reported.Add)).Run();
        Assert.All(reported, p => Assert.Null(p.ValidationPsnr));
        Assert.Equal(5, (int)Checkpoint.ReadCard(best).Training["step"]!);
        Assert.All(File.ReadAllLines(_folder.File("run/history.csv")).Skip(1), line => Assert.EndsWith(",", line));
    }

    [Fact]
    public void A_loss_that_is_not_finite_stops_the_run_and_leaves_the_last_good_state()
    {
        Recipe good = Small.Recipe with { Steps = 4 };
        Train(good, "run");
        byte[] state = File.ReadAllBytes(_folder.File("run/state.safetensors"));
        Recipe wild = good with { Steps = 40, LearningRate = 10, ClipNorm = null, Schedule = ScheduleKind.Constant, Loss = LossKind.Mse, Model = Small.Model };
        SpoilWeights();

        var failure = Assert.Throws<TrainingDivergedException>(() => Run(wild, "spoilt").Run());
        Assert.Contains("loss", failure.Message, StringComparison.Ordinal);
        Assert.Equal(state, File.ReadAllBytes(_folder.File("run/state.safetensors")));

        // A state whose weights are so large that the first loss overflows.
        void SpoilWeights()
        {
            using var network = new SmallViT(Small.Model);
            using var mean = new SmallViT(Small.Model);
            using (TorchSharp.torch.no_grad())
            {
                foreach (TorchSharp.torch.Tensor p in network.parameters()) p.mul_(1e30f);
            }

            TrainingState.Save(_folder.File("spoilt/state.safetensors"), network, mean, new Adam(network.parameters(), 0), 4, 0, default);
        }
    }

    [Fact]
    public void A_folder_in_use_is_refused()
    {
        bool refused = false;
        var progress = new Experiments.Progress<TrainingProgress>(p =>
        {
            if (p.Step != 2) return;
            refused = Assert.Throws<RecipeException>(() => Run(Small.Recipe, "run").Run()).Message.Contains("in use", StringComparison.Ordinal);
        });
        new TrainingRun(Small.Recipe, Small.Data(32), null, _folder.File("run"), TimeProvider.System, progress).Run();
        Assert.True(refused);
    }

    [Fact]
    public void A_damaged_state_is_refused()
    {
        Train(Small.Recipe with { Steps = 4 }, "run");
        string state = _folder.File("run/state.safetensors");
        byte[] bytes = File.ReadAllBytes(state);
        bytes[^100] ^= 1;
        File.WriteAllBytes(state, bytes);
        var refused = Assert.Throws<CheckpointException>(() => Run(Small.Recipe, "run").Run());
        Assert.Contains("checksum", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_best_step_on_validation_is_kept_with_its_record()
    {
        string best = Train(Small.Recipe, "run");
        var (network, card) = Checkpoint.Load(best);
        network.Dispose();
        string[] rows = History("run").Skip(1).ToArray();
        double top = rows.Max(r => double.Parse(r.Split(',')[3], System.Globalization.CultureInfo.InvariantCulture));
        long step = card.Training["step"]!.GetValue<long>();
        string row = Assert.Single(rows, r => r.StartsWith($"{step},", StringComparison.Ordinal));
        Assert.Equal(top, double.Parse(row.Split(',')[3], System.Globalization.CultureInfo.InvariantCulture));
        Assert.Equal(7, card.Training["recipe"]!["seed"]!.GetValue<long>());
        Assert.Equal(64, card.Training["dataSha256"]![0]!.GetValue<string>().Length);
    }

    [Fact]
    public void Two_replicas_learn_what_one_learns()
    {
        Recipe one = Small.Recipe with { Steps = 1, ValidateEvery = 1 };
        Train(one, "one");
        Train(one with { Replicas = 2 }, "two");
        double[] losses = new[] { "one", "two" }.Select(f => double.Parse(History(f)[1].Split(',')[1], System.Globalization.CultureInfo.InvariantCulture)).ToArray();
        Assert.Equal(losses[0], losses[1], 1e-6);
        double[] psnrs = new[] { "one", "two" }.Select(f => double.Parse(History(f)[1].Split(',')[3], System.Globalization.CultureInfo.InvariantCulture)).ToArray();
        Assert.Equal(psnrs[0], psnrs[1], 1e-3);
    }

    [Fact]
    public void Every_published_recipe_and_attention_trains_a_step()
    {
        foreach ((string name, Recipe recipe) in Recipe.Named)
        {
            foreach (AttentionKind kind in Enum.GetValues<AttentionKind>())
            {
                ModelConfig model = recipe.ToldShare > 0 ? Small.Told : Small.Model;
                Recipe tiny = recipe with { Model = model with { Attention = kind }, Steps = 1, BatchSize = 4, ValidateEvery = 1 };
                Assert.True(File.Exists(Train(tiny, $"{name}-{kind}")));
            }
        }
    }

    [Fact]
    public void A_folder_of_another_recipe_is_refused_and_a_longer_run_is_not()
    {
        Train(Small.Recipe with { Steps = 4 }, "run");
        byte[] recipe = File.ReadAllBytes(_folder.File("run/recipe.json"));
        Assert.Equal("output", Assert.Throws<RecipeException>(() => Train(Small.Recipe with { Steps = 4, Seed = 8 }, "run")).Field);
        Assert.Equal("output", Assert.Throws<RecipeException>(() => Train(Small.Recipe with { Steps = 4, Model = Small.Told }, "run")).Field);
        Assert.Equal(recipe, File.ReadAllBytes(_folder.File("run/recipe.json")));
        Train(Small.Recipe with { Steps = 8 }, "run");
        Assert.Equal(2, History("run").Length - 1);
    }

    [Fact]
    public void A_half_written_line_of_the_history_is_dropped_on_resume()
    {
        Train(Small.Recipe with { Steps = 4 }, "run");
        File.AppendAllText(_folder.File("run/history.csv"), "1");
        Train(Small.Recipe with { Steps = 8 }, "run");
        Assert.Equal(["4", "8"], History("run").Skip(1).Select(line => line.Split(',')[0]));
    }

    [Fact]
    public void A_share_too_small_for_one_image_in_a_batch_is_refused()
    {
        var data = new TrainingData([Small.Patches(10, 16), Small.Patches(10, 16)], [1, 0.01]);
        Assert.Equal("Share", Assert.Throws<RecipeException>(() => new TrainingRun(Small.Recipe, data, null, _folder.File("run"), TimeProvider.System).Run()).Field);
    }

    [Fact]
    public void Images_of_another_size_than_the_networks_are_refused() =>
        Assert.Throws<RecipeException>(() => new TrainingRun(Small.Recipe, Small.Data(4, side: 32), null, _folder.Path, TimeProvider.System));

    [Fact]
    public void No_tensor_of_a_step_is_left_to_the_finalizer()
    {
        // The library's count never goes down for the tensor that a parameter took over, so runs of different length are compared.
        Train(Small.Recipe with { Steps = 2, ValidateEvery = 2 }, "warm");
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.True(GC.TryStartNoGCRegion(100 << 20));
        try
        {
            Assert.Equal(Growth("short", 2), Growth("long", 8));
        }
        finally
        {
            GC.EndNoGCRegion();
        }

        long Growth(string folder, int steps)
        {
            long before = TorchSharp.torch.Tensor.TotalCount;
            Train(Small.Recipe with { Steps = steps, ValidateEvery = steps }, folder);
            return TorchSharp.torch.Tensor.TotalCount - before;
        }
    }

    private TrainingRun Run(Recipe recipe, string folder, IProgress<TrainingProgress>? progress = null) =>
        new(recipe, Small.Data(40), Small.Data(6, seed: 2), _folder.File(folder), TimeProvider.System, progress);

    [Fact]
    public void A_run_that_starts_from_weights_goes_on_from_them_and_names_their_checksum()
    {
        string first = Train(Small.Recipe, "first");
        Recipe tuning = Small.Recipe with { Initial = "first", Steps = 4, LearningRate = 1e-9, WeightDecay = 0, EmaDecay = null };
        string best = new TrainingRun(tuning, Small.Data(64), Small.Data(8, seed: 2), _folder.File("tuned"), TimeProvider.System) { InitialWeights = first }.Run();
        using SafetensorsFile before = Safetensors.Read(first), after = Safetensors.Read(best);
        foreach ((string name, TorchSharp.torch.Tensor weights) in before.Tensors) Assert.True((weights - after.Tensors[name]).abs().max().item<float>() < 1e-6, name);
        Assert.Equal(before.Sha256, (string?)Checkpoint.ReadCard(best).Training["initialSha256"]);
    }

    [Fact]
    public void Weights_of_another_network_and_weights_that_nobody_gave_are_refused()
    {
        string first = Train(Small.Recipe, "first");
        Recipe wider = Small.Recipe with { Initial = "first", Model = Small.Model with { Width = 32 } };
        Assert.Throws<CheckpointException>(() => new TrainingRun(wider, Small.Data(64), null, _folder.File("wider"), TimeProvider.System) { InitialWeights = first }.Run());
        Assert.Equal("Initial", Assert.Throws<RecipeException>(() => new TrainingRun(wider, Small.Data(64), null, _folder.File("none"), TimeProvider.System).Run()).Field);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Training_in_bfloat16_learns_what_float32_learns_within_its_rounding_and_resumes_to_the_bit(int replicas)
    {
        Recipe exact = Small.Recipe with { Model = Small.Model with { Attention = AttentionKind.SharedMixture }, Steps = 40, ValidateEvery = 20, Replicas = replicas }, rounded = exact with { Precision = Precision.BFloat16 };
        Train(exact, "exact");
        string whole = Train(rounded, "rounded");
        double Psnr(string folder) => double.Parse(History(folder)[^1].Split(',')[^1], System.Globalization.CultureInfo.InvariantCulture);
        Assert.InRange(Psnr("rounded"), Psnr("exact") - 0.3, Psnr("exact") + 0.3);
        Assert.NotEqual(Psnr("exact"), Psnr("rounded"));

        using (var stop = new CancellationTokenSource())
        {
            var stopper = new Immediate<TrainingProgress>(p =>
            {
                if (p.Step == 7) stop.Cancel();
            });
            Assert.Throws<OperationCanceledException>(() => Run(rounded, "parts", stopper).Run(stop.Token));
        }

        Assert.Equal(File.ReadAllBytes(whole), File.ReadAllBytes(Train(rounded, "parts")));
    }

    [Fact]
    public void A_run_that_goes_on_needs_its_initial_weights_no_more_but_refuses_others()
    {
        (string first, string second) = (Train(Small.Recipe, "first"), Train(Small.Recipe with { Seed = 8 }, "second"));
        Recipe tuning = Small.Recipe with { Initial = "best.safetensors", Steps = 4 };
        From(first, 4);
        Assert.Equal("Initial", Assert.Throws<RecipeException>(() => From(second, 8)).Field);
        string sha = Checkpoint.ReadCard(first).Sha256;
        File.Delete(first);
        string best = From(first, 8);
        Assert.Equal(sha, (string?)Checkpoint.ReadCard(best).Training["initialSha256"]);

        string From(string initial, int steps) => new TrainingRun(tuning with { Steps = steps }, Small.Data(40), null, _folder.File("tuned"), TimeProvider.System) { InitialWeights = initial }.Run();
    }

    [Fact]
    public void A_run_does_not_go_on_with_other_images()
    {
        Train(Small.Recipe with { Steps = 4 }, "run");
        Assert.Equal("Data", Assert.Throws<RecipeException>(() => new TrainingRun(Small.Recipe, Small.Data(40, seed: 9), Small.Data(6, seed: 2), _folder.File("run"), TimeProvider.System).Run()).Field);
    }

    [Fact]
    public void A_run_cannot_be_made_shorter_than_it_is_before_there_are_weights_to_keep()
    {
        using var stop = new CancellationTokenSource();
        var stopper = new Immediate<TrainingProgress>(p =>
        {
            if (p.Step == 3) stop.Cancel();
        });
        Assert.Throws<OperationCanceledException>(() => Run(Small.Recipe, "run", stopper).Run(stop.Token));
        Assert.Contains("more than 3", Assert.Throws<RecipeException>(() => Train(Small.Recipe with { Steps = 2 }, "run")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Replicas_have_what_is_never_trained_from_the_initial_weights_too()
    {
        Recipe random = Small.Recipe with { Model = Small.Model with { Routing = RoutingKind.Random }, Steps = 1, ValidateEvery = 1 };
        string first = Train(random, "first");
        double[] losses = [.. new[] { 1, 2 }.Select(replicas =>
        {
            new TrainingRun(random with { Initial = "first", Replicas = replicas, Seed = 9 }, Small.Data(40), null, _folder.File($"{replicas}"), TimeProvider.System) { InitialWeights = first }.Run();
            return double.Parse(History($"{replicas}")[1].Split(',')[1], System.Globalization.CultureInfo.InvariantCulture);
        })];
        Assert.Equal(losses[0], losses[1], 1e-6);
    }

    private string Train(Recipe recipe, string folder) => Run(recipe, folder).Run();

    private string[] History(string folder) => File.ReadAllLines(_folder.File($"{folder}/history.csv"));
}
