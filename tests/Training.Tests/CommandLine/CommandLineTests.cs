using System.Diagnostics;
using System.Text.Json;
using DenoiseService.Imaging;
using DenoiseService.Model;
using DenoiseService.Training.CommandLine;

namespace DenoiseService.Training.Tests.CommandLine;

public sealed class CommandLineTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public CommandLineTests()
    {
        Directory.CreateDirectory(_folder.File("pictures/inner"));
        foreach (string name in new[] { "one.png", "inner/two.jpg" })
        {
            var random = new Random(1);
            float[] samples = Enumerable.Range(0, 3 * 40 * 50).Select(_ => 0.4f + random.NextSingle() * 0.2f).ToArray();
            File.WriteAllBytes(_folder.File($"pictures/{name}"), ImageCodec.Encode(new Picture(samples, 3, 40, 50), name.EndsWith("png", StringComparison.Ordinal) ? ImageFormat.Png : ImageFormat.Jpeg));
        }

        File.WriteAllText(_folder.File("recipe.json"), JsonSerializer.Serialize(Small.Recipe with { Steps = 6, ValidateEvery = 3 }, Recipe.Json));
        using var network = new SmallViT(Small.Model);
        Checkpoint.Save(_folder.File("model.safetensors"), network);
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("{\"epoch\": 30}", "epoch")]
    [InlineData("{\"data\": null}", "not a recipe")]
    [InlineData("{\"data\": [null]}", "null")]
    [InlineData("{\"model\": null}", "not a recipe")]
    [InlineData("[]", "not a recipe")]
    public void A_recipe_file_that_is_not_as_it_should_be_is_refused(string text, string says)
    {
        File.WriteAllText(_folder.File("odd.json"), text);
        Outcome refused = Run("train", "--recipe", _folder.File("odd.json"), "--output", _folder.File("odd"));
        Assert.Equal(1, refused.Code);
        Assert.Contains(says, refused.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Train_evaluate_and_denoise_work_together()
    {
        Outcome trained = Run("train", "--recipe", _folder.File("recipe.json"), "--data", _folder.File("pictures") + "#40", "--validation", _folder.File("pictures") + "#8", "--output", _folder.File("run"), "--seed", "5");
        Assert.True(trained.Code == 0, trained.Errors);
        string best = _folder.File("run/best.safetensors");

        Outcome measured = Run("evaluate", "--checkpoint", best, "--data", _folder.File("pictures"), "--sigma", "0.05,50/255", "--clamp", "--seed", "1", "--json", "--overlap", "4");
        Assert.True(measured.Code == 0, measured.Errors);
        JsonElement report = JsonDocument.Parse(measured.Output).RootElement;
        Assert.Equal(2, report.GetProperty("rows").GetArrayLength());
        Assert.True(report.GetProperty("protocol").GetProperty("clamp").GetBoolean());
        Assert.Contains("RGB", report.GetProperty("channels").GetString(), StringComparison.Ordinal);
        Assert.Equal(Checkpoint.ReadCard(best).Sha256, report.GetProperty("sha256").GetString());
        Assert.Equal((4, 16, "Float32"), (report.GetProperty("overlap").GetInt32(), report.GetProperty("maxTileSide").GetInt32(), report.GetProperty("precision").GetString()));

        Outcome cleaned = Run("denoise", _folder.File("pictures"), "--checkpoint", best, "--output", _folder.File("clean"), "--overlap", "4");
        Assert.True(cleaned.Code == 0, cleaned.Errors);
        Assert.Equal(ImageFormat.Png, ImageFormats.Recognise(File.ReadAllBytes(_folder.File("clean/one.png"))));
        Assert.Equal(ImageFormat.Jpeg, ImageFormats.Recognise(File.ReadAllBytes(_folder.File("clean/inner/two.jpg"))));
    }

    [Fact]
    public void The_noise_level_is_told_to_a_network_that_can_be_told_and_refused_for_another()
    {
        using (SmallViT network = SmallViT.WithSeed(Small.Told, 5))
        using (TorchSharp.torch.no_grad())
        {
            foreach (TorchSharp.torch.Tensor p in network.parameters()) p.uniform_(-0.1, 0.1); // a last layer that starts as zero would hide everything
            Checkpoint.Save(_folder.File("told.safetensors"), network);
        }

        string[] scores = ["evaluate", "--data", _folder.File("pictures"), "--sigma", "0.1", "--json", "--overlap", "4", "--noise", "smoothed"], can = [.. scores, "--checkpoint", _folder.File("told.safetensors")];
        Outcome blind = Run(can), told = Run([.. can, "--told", "--told-factor", "1.5"]), refused = Run([.. scores, "--checkpoint", _folder.File("model.safetensors"), "--told"]);
        Assert.True(blind.Code == 0, blind.Errors);
        Assert.True(told.Code == 0, told.Errors);
        Assert.NotEqual(Psnr(blind), Psnr(told));
        foreach (string asked in (string[])["\"noise\": \"Smoothed\"", "\"toldFactor\": 1.5"]) Assert.Contains(asked, told.Output, StringComparison.Ordinal);
        Assert.Equal(1, refused.Code);
        Assert.Contains("Told is true", refused.Errors, StringComparison.Ordinal);
        refused = Run([.. can, "--told-factor", "1.5"]);
        Assert.Equal(1, refused.Code);
        Assert.Contains("ToldFactor is 1.5; it must be 1", refused.Errors, StringComparison.Ordinal);

        string[] clean = ["denoise", _folder.File("pictures/one.png"), "--overlap", "4", "--checkpoint"];
        Assert.Equal(0, Run([.. clean, _folder.File("told.safetensors"), "--output", _folder.File("auto.png")]).Code);
        Assert.Equal(0, Run([.. clean, _folder.File("told.safetensors"), "--output", _folder.File("half.png"), "--sigma", "0.5"]).Code);
        Assert.NotEqual(File.ReadAllBytes(_folder.File("auto.png")), File.ReadAllBytes(_folder.File("half.png")));
        refused = Run([.. clean, _folder.File("model.safetensors"), "--output", _folder.File("no.png"), "--sigma", "25/255"]);
        Assert.Equal(1, refused.Code);
        Assert.Contains("--sigma is 0.098", refused.Errors, StringComparison.Ordinal);

        static double Psnr(Outcome outcome) => JsonDocument.Parse(outcome.Output).RootElement.GetProperty("rows")[0].GetProperty("psnr").GetProperty("mean").GetDouble();
    }

    [Fact]
    public void A_windowed_network_goes_on_in_larger_squares()
    {
        ModelConfig windowed = ModelConfig.Photographs with { Width = 16, Heads = 2, FeedForwardWidth = 16, RouterWidth = 8, StemPairs = 1, HalfWidth = 4, TileSide = 16, WindowSide = 2 };
        File.WriteAllText(_folder.File("windowed.json"), JsonSerializer.Serialize(Small.Recipe with { Model = windowed, Steps = 2, ValidateEvery = 1 }, Recipe.Json));
        string[] arguments = ["train", "--recipe", _folder.File("windowed.json"), "--data", _folder.File("pictures") + "#20", "--validation", _folder.File("pictures") + "#4"];
        Outcome first = Run([.. arguments, "--output", _folder.File("small")]);
        Assert.True(first.Code == 0, first.Errors);
        Outcome second = Run([.. arguments, "--initial", _folder.File("small/best.safetensors"), "--tile", "24", "--output", _folder.File("large")]);
        Assert.True(second.Code == 0, second.Errors);
        Assert.Equal(windowed.TileSide + 8, Checkpoint.ReadCard(_folder.File("large/best.safetensors")).Config.TileSide);
        Outcome refused = Run([.. arguments, "--tile", "20", "--output", _folder.File("odd")]);
        Assert.Equal(1, refused.Code);
        Assert.Contains("WindowSide is 2; it must be 0 or a divisor of the tile's 5 tokens", refused.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Training_refuses_two_lengths_and_weights_without_their_card()
    {
        string[] arguments = ["train", "--recipe", _folder.File("recipe.json"), "--data", _folder.File("pictures") + "#20", "--output", _folder.File("run")];
        Outcome refused = Run([.. arguments, "--epochs", "1.5", "--steps", "4"]);
        Assert.Equal(1, refused.Code);
        Assert.Contains("--epochs is 1.5 and --steps is 4", refused.Errors, StringComparison.Ordinal);

        File.Delete(Checkpoint.CardPath(_folder.File("model.safetensors")));
        refused = Run([.. arguments, "--initial", _folder.File("model.safetensors")]);
        Assert.Equal(1, refused.Code);
        Assert.Contains("model.json does not exist; it is the card that", refused.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Average_writes_a_checkpoint_and_refuses_what_it_cannot_mean()
    {
        using (SmallViT other = SmallViT.WithSeed(Small.Model, 9)) Checkpoint.Save(_folder.File("other.safetensors"), other);
        string[] both = ["average", _folder.File("model.safetensors"), _folder.File("other.safetensors"), "--output"];
        Outcome done = Run([.. both, _folder.File("mean.safetensors"), "--shares", "0.3,0.7"]);
        Assert.True(done.Code == 0, done.Errors);
        CheckpointCard mean = Checkpoint.ReadCard(_folder.File("mean.safetensors"));
        Assert.Contains(mean.Sha256, done.Output, StringComparison.Ordinal);
        Assert.Equal([0.3, 0.7], mean.Training["meanOf"]!.AsArray().Select(p => (double)p!["share"]!));

        foreach ((string[] options, string says) in new[]
        {
            ([_folder.File("mean.json")], "--output is mean.json; it must end in .safetensors."),
            ([_folder.File("model.safetensors")], "--output is model.safetensors, one of the checkpoints"),
            ([_folder.File("x.safetensors"), "--shares", "1"], "--shares has 1 numbers for 2 checkpoints"),
            (new[] { _folder.File("x.safetensors"), "--shares", "1,x" }, "--shares is '1,x'; 'x' is not a number."),
        })
        {
            Outcome refused = Run([.. both, .. options]);
            Assert.Equal(1, refused.Code);
            Assert.Contains(says, refused.Errors, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Scaling_writes_its_report_and_refuses_a_bad_side()
    {
        Outcome done = Run("scaling", "--sides", "16,32", "--repeats", "1", "--threads", "1", "--memory-limit", "1", "--output", _folder.File("scaling"));
        Assert.True(done.Code == 0, done.Errors);
        Assert.True(File.Exists(_folder.File("scaling/report.md")));
        Outcome refused = Run("scaling", "--sides", "x", "--output", _folder.File("scaling"));
        Assert.Equal(1, refused.Code);
        Assert.Contains("'x' is not a side", refused.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_killed_training_process_goes_on_and_ends_with_the_same_weights()
    {
        File.WriteAllText(_folder.File("recipe.json"), JsonSerializer.Serialize(Small.Recipe with { Steps = 60, ValidateEvery = 5 }, Recipe.Json));
        string[] arguments = ["train", "--recipe", _folder.File("recipe.json"), "--data", _folder.File("pictures") + "#40", "--validation", _folder.File("pictures") + "#8", "--threads", "1", "--output"];
        Assert.Equal(0, Run([.. arguments, _folder.File("whole")]).Code);

        using (Process process = Start([.. arguments, _folder.File("killed")]))
        {
            while (!process.HasExited && !File.Exists(_folder.File("killed/state.safetensors"))) Thread.Sleep(5);
            process.Kill();
            process.WaitForExit();
        }

        Assert.Equal(0, Run([.. arguments, _folder.File("killed")]).Code);
        Assert.Equal(File.ReadAllBytes(_folder.File("whole/best.safetensors")), File.ReadAllBytes(_folder.File("killed/best.safetensors")));
    }

    [Theory]
    [InlineData("--sigma", "7", "'7' is not a noise level")]
    [InlineData("--sigma", "x", "'x' is not a noise level")]
    [InlineData("--range", "5-3", "ends before it starts")]
    [InlineData("--range", "0-99", "0-1")]
    [InlineData("--data", "/nowhere", "There is no folder")]
    [InlineData("--overlap", "16", "out of range")]
    [InlineData("--mode", "best", "--mode is 'best'; it must be normal or high.")]
    [InlineData("--checkpoint", "/nowhere/x.safetensors", "x.safetensors does not exist")]
    public void A_bad_option_is_one_clear_line_and_exit_code_1(string option, string value, string expected)
    {
        var options = new Dictionary<string, string> { ["--checkpoint"] = _folder.File("model.safetensors"), ["--data"] = _folder.File("pictures"), ["--sigma"] = "0.1", ["--overlap"] = "4" };
        options[option] = value;
        Outcome outcome = Run(["evaluate", .. options.SelectMany(o => new[] { o.Key, o.Value })]);
        Assert.Equal(1, outcome.Code);
        Assert.Contains(expected, outcome.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", outcome.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_bare_file_of_the_released_form_runs_in_every_command()
    {
        using (var network = new SmallViT(new ModelConfig { RouterActivation = RouterActivation.Relu })) Safetensors.Write(_folder.File("bare.safetensors"), network.state_dict());
        Outcome measured = Run("evaluate", "--checkpoint", _folder.File("bare.safetensors"), "--data", _folder.File("pictures"), "--sigma", "0.1", "--json");
        Assert.True(measured.Code == 0, measured.Errors);
        Outcome cleaned = Run("denoise", _folder.File("pictures/one.png"), "--checkpoint", _folder.File("bare.safetensors"), "--output", _folder.File("clean.png"));
        Assert.True(cleaned.Code == 0, cleaned.Errors);
    }

    [Fact]
    public void The_output_files_name_says_its_format()
    {
        Assert.Equal(0, Run("denoise", _folder.File("pictures/inner/two.jpg"), "--checkpoint", _folder.File("model.safetensors"), "--output", _folder.File("two.png"), "--overlap", "4").Code);
        Assert.Equal(ImageFormat.Png, ImageFormats.Recognise(File.ReadAllBytes(_folder.File("two.png"))));
    }

    [Fact]
    public void Two_inputs_that_would_become_one_file_are_refused()
    {
        File.Copy(_folder.File("pictures/one.png"), _folder.File("one.png"));
        Outcome outcome = Run("denoise", _folder.File("pictures/one.png"), _folder.File("one.png"), "--checkpoint", _folder.File("model.safetensors"), "--output", _folder.File("clean"));
        Assert.Equal(1, outcome.Code);
        Assert.Contains("would both become", outcome.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("pictures", "pictures/.")] // the same folder by another name
    [InlineData("pictures/one.png", "pictures/one.png")]
    public void Pictures_are_not_written_over_themselves(string input, string output)
    {
        byte[] before = File.ReadAllBytes(_folder.File("pictures/one.png"));
        Outcome outcome = Run("denoise", _folder.File(input), "--checkpoint", _folder.File("model.safetensors"), "--output", _folder.File(output), "--overlap", "4");
        Assert.Equal(1, outcome.Code);
        Assert.Contains($"--output is {_folder.File(output)};", string.Join(" ", outcome.Errors.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllBytes(_folder.File("pictures/one.png")));
    }

    [Fact]
    public void One_bad_file_does_not_stop_the_others()
    {
        File.WriteAllText(_folder.File("pictures/bad.png"), "text");
        Outcome outcome = Run("denoise", _folder.File("pictures"), "--checkpoint", _folder.File("model.safetensors"), "--output", _folder.File("clean"), "--overlap", "4");
        Assert.Equal(1, outcome.Code);
        Assert.Contains("bad.png", outcome.Errors, StringComparison.Ordinal);
        Assert.Contains("2 cleaned, 1 failed", outcome.Errors, StringComparison.Ordinal);
        Assert.True(File.Exists(_folder.File("clean/one.png")));
    }

    [Fact]
    public void Strength_0_copies_the_pixels()
    {
        Outcome outcome = Run("denoise", _folder.File("pictures/one.png"), "--checkpoint", _folder.File("model.safetensors"), "--output", _folder.File("same.png"), "--strength", "0", "--overlap", "4");
        Assert.True(outcome.Code == 0, outcome.Errors);
        Assert.Equal(Data("pictures/one.png"), Data("same.png"));

        float[] Data(string name) => Training.Data.PhotographFolder.Read(_folder.File(name)).Samples;
    }

    [Fact]
    public void Mode_high_is_another_result_and_stands_in_the_protocol()
    {
        using (var network = new SmallViT(Small.Model with { Residual = false })) Checkpoint.Save(_folder.File("model.safetensors"), network);
        string[] measure = ["evaluate", "--checkpoint", _folder.File("model.safetensors"), "--data", _folder.File("pictures"), "--sigma", "0.1", "--overlap", "4"];
        Outcome measured = Run([.. measure, "--mode", "high", "--json"]);
        Assert.True(measured.Code == 0, measured.Errors);
        Assert.Equal("High", JsonDocument.Parse(measured.Output).RootElement.GetProperty("protocol").GetProperty("mode").GetString());
        Assert.Contains("mode normal", string.Join(" ", Run(measure).Output.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);

        string[] clean = ["denoise", _folder.File("pictures/one.png"), "--checkpoint", _folder.File("model.safetensors"), "--overlap", "4", "--output"];
        Assert.Equal(0, Run([.. clean, _folder.File("normal.png")]).Code);
        Assert.Equal(0, Run([.. clean, _folder.File("high.png"), "--mode", "high"]).Code);
        Assert.NotEqual(File.ReadAllBytes(_folder.File("normal.png")), File.ReadAllBytes(_folder.File("high.png")));
    }

    [Theory]
    [InlineData("folder", "folder", null, 1.0, 20_000)]
    [InlineData("a/b:0-2999", "a/b", "0-2999", 1.0, 20_000)]
    [InlineData("a@0.25", "a", null, 0.25, 20_000)]
    [InlineData("a:5@0.5#100", "a", "5", 0.5, 100)]
    [InlineData("a#7@2", "a", null, 2.0, 7)]
    public void A_data_source_carries_range_share_and_patches_in_any_order(string text, string path, string? range, double share, int patches) =>
        Assert.Equal(new Training.Data.DataSource { Path = path, Range = range, Share = share, Patches = patches }, Parsing.Source(text));

    [Theory]
    [InlineData("25/255", 25.0 / 255)]
    [InlineData("0.2", 0.2)]
    [InlineData("0", 0)]
    public void A_noise_level_is_a_number_or_a_fraction(string text, double expected) => Assert.Equal(expected, Parsing.Sigma(text));

    private sealed record Outcome(int Code, string Output, string Errors);

    private static Outcome Run(params string[] arguments)
    {
        using Process process = Start(arguments);
        Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
        process.WaitForExit();
        return new Outcome(process.ExitCode, output.Result, errors.Result);
    }

    private static Process Start(string[] arguments) => Process.Start(new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "DenoiseService.Training.dll"), .. arguments])
    {
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    })!;
}
