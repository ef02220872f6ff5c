using DenoiseService.Imaging;
using DenoiseService.Training.Data;

namespace DenoiseService.Training.Tests.Data;

public sealed class DataTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_partial_archive_is_read_over_its_files_in_order()
    {
        WriteRecords("data_batch_1.bin", 0, 5);
        WriteRecords("data_batch_2.bin", 5, 3);
        WriteRecords("test_batch.bin", 8, 2);
        PatchSet all = CifarArchive.Read(_folder.Path);
        Assert.Equal(10, all.Count);
        PatchSet part = CifarArchive.Read(_folder.Path, IndexRange.Parse("4-8"));
        Assert.Equal([4, 5, 6, 7, 8], Enumerable.Range(0, 5).Select(i => (int)MathF.Round(part.Image(i)[0] * 255)));
        // Planes are R, G, B.
        Assert.Equal([4, 104, 204], new[] { 0, 1024, 2048 }.Select(p => (int)MathF.Round(part.Image(0)[p] * 255)));
    }

    [Fact]
    public void A_shrunk_picture_holds_the_means_of_squares_and_drops_what_is_left_over()
    {
        const int height = 5, width = 4;
        float[] samples = [.. Enumerable.Range(0, 3 * height * width).Select(i => (float)i)];
        var (small, rows, columns) = PhotographFolder.Shrunk((samples, height, width), 2);
        Assert.Equal((2, 2), (rows, columns));
        // The mean of a 2×2 square whose first sample is v: v + (0 + 1 + 4 + 5) / 4.
        Assert.Equal([2.5f, 4.5f, 10.5f, 12.5f, 22.5f, 24.5f, 30.5f, 32.5f, 42.5f, 44.5f, 50.5f, 52.5f], small);
        Assert.Same(samples, PhotographFolder.Shrunk((samples, height, width), 1).Samples);
    }

    [Fact]
    public void A_truncated_record_file_is_refused_with_its_name_and_length()
    {
        File.WriteAllBytes(_folder.File("data_batch_1.bin"), new byte[3073 * 2 - 1]);
        var refused = Assert.Throws<DataSetException>(() => CifarArchive.Read(_folder.Path));
        Assert.Contains("data_batch_1.bin", refused.Message, StringComparison.Ordinal);
        Assert.Contains("6145", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_range_beyond_the_end_is_refused_with_the_limit()
    {
        WriteRecords("data_batch_1.bin", 0, 5);
        var refused = Assert.Throws<DataSetException>(() => CifarArchive.Read(_folder.Path, IndexRange.Parse("3-5")));
        Assert.Contains("0-4", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a-b")]
    [InlineData("5-3")]
    [InlineData("-3")]
    [InlineData("1-2-3")]
    public void A_range_of_another_form_is_refused(string text) => Assert.Throws<FormatException>(() => IndexRange.Parse(text));

    [Fact]
    public void Squares_are_cut_in_proportion_to_area_and_by_seed()
    {
        WritePicture("large.png", 64, 64, 200);
        WritePicture("sub/small.png", 32, 64, 100);
        WritePicture("tiny.png", 8, 8, 0);
        PatchSet cut = PhotographFolder.Cut(_folder.Path, 16, 30, seed: 1);
        float[] means = Enumerable.Range(0, 30).Select(i => cut.Image(i).Average() * 255).ToArray();
        Assert.Equal(20, means.Count(m => m > 150));
        Assert.Equal(10, means.Count(m => m < 150));
        Assert.Equal(cut.Sha256(), PhotographFolder.Cut(_folder.Path, 16, 30, seed: 1).Sha256());
        Assert.NotEqual(cut.Sha256(), PhotographFolder.Cut(_folder.Path, 16, 30, seed: 2).Sha256());
    }

    [Fact]
    public void A_range_chooses_pictures_of_a_folder()
    {
        foreach (int level in new[] { 10, 110, 210 }) WritePicture($"{level:D3}.png", 32, 32, level);
        PatchSet cut = Of("1-2").Load(16, 1);
        Assert.All(Enumerable.Range(0, 30).Select(i => cut.Image(i).Average() * 255), mean => Assert.InRange(mean, 100, 255));
        Assert.All(Enumerable.Range(0, 30).Select(i => Of("0").Load(16, 1).Image(i).Average() * 255), mean => Assert.InRange(mean, 0, 50));
        Assert.Contains("0-2", Assert.Throws<DataSetException>(() => Of("1-3").Load(16, 1)).Message, StringComparison.Ordinal);

        DataSource Of(string range) => new() { Path = _folder.Path, Range = range, Patches = 30 };
    }

    [Fact]
    public void An_archive_is_not_shrunk()
    {
        WriteRecords("data_batch_1.bin", 0, 2);
        Assert.Contains("Shrink is 2", Assert.Throws<DataSetException>(() => new DataSource { Path = _folder.Path, Shrink = 2 }.Load(32, 1)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_without_pictures_is_refused() => Assert.Throws<DataSetException>(() => PhotographFolder.Files(_folder.Path));

    [Fact]
    public void A_damaged_picture_is_named()
    {
        File.WriteAllText(_folder.File("bad.png"), "not a picture");
        var refused = Assert.Throws<DataSetException>(() => PhotographFolder.Read(_folder.File("bad.png")));
        Assert.Contains("bad.png", refused.Message, StringComparison.Ordinal);
        refused = Assert.Throws<DataSetException>(() => PhotographFolder.Cut(_folder.Path, 8, 1, 1));
        Assert.Contains("bad.png", refused.Message, StringComparison.Ordinal);
        Assert.Throws<DataSetException>(() => PhotographFolder.Read(_folder.File("gone.png")));
    }

    private void WriteRecords(string name, int first, int count)
    {
        var bytes = new byte[count * 3073];
        for (int i = 0; i < bytes.Length; i++)
        {
            int at = i % 3073 - 1, plane = at / 1024;
            bytes[i] = at < 0 ? (byte)9 : (byte)(first + i / 3073 + 100 * plane);
        }

        File.WriteAllBytes(_folder.File(name), bytes);
    }

    private void WritePicture(string name, int height, int width, int level)
    {
        var random = new Random(level);
        float[] samples = Enumerable.Range(0, 3 * height * width).Select(_ => (level + random.Next(20)) / 255f).ToArray();
        Directory.CreateDirectory(Path.GetDirectoryName(_folder.File(name))!);
        File.WriteAllBytes(_folder.File(name), ImageCodec.Encode(new Picture(samples, 3, height, width), ImageFormat.Png, new EncodeOptions()));
    }
}
