using DenoiseService.Training.Experiments;

namespace DenoiseService.Training.Tests.Experiments;

public sealed class ExperimentTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_part_of_the_archive_is_split_by_its_size()
    {
        ExperimentData data = ExperimentData.Of(SmallArchive.Write(_folder));
        Assert.Equal(("0-23", "24-27", "28-31"), (data.Train, data.Validation, data.Test));
    }

    [Theory]
    [InlineData("0-9", "9-12", "13-15", "Validation")]
    [InlineData("0-9", "10-12", "5", "Test")]
    [InlineData("0-9", "10-12", "12-15", "Test")]
    public void Ranges_that_share_a_record_are_refused(string train, string validation, string test, string field)
    {
        RecipeException refused = Assert.Throws<RecipeException>(() => new ExperimentData { Path = "x", Train = train, Validation = validation, Test = test }.Validated());
        Assert.Equal(field, refused.Field);
    }

    [Fact]
    public void A_table_is_the_same_in_Markdown_and_in_CSV()
    {
        var table = new ReportTable("T", ["name", "a,b"]);
        table.Add("x|y", 1.5);
        Assert.Contains("| x\\|y | 1.5 |", table.ToMarkdown(), StringComparison.Ordinal);
        Assert.Equal("name,\"a,b\"\nx|y,1.5\n", table.ToCsv());
        Assert.Throws<ArgumentException>(() => table.Add("too few"));
    }

    [Fact]
    public void Statistics_match_their_definitions()
    {
        Assert.Equal(1, Statistics.SampleSd([1, 2, 3]), 12);
        Assert.True(double.IsNaN(Statistics.SampleSd([1])));
        Assert.Equal(-1, Statistics.Correlation([1, 2, 4], [-1, -2, -4]), 12);
        Assert.True(double.IsNaN(Statistics.Correlation([1, 1, 1], [1, 2, 3])));
        Assert.Equal(2, Statistics.Exponent([1, 2, 4, 8], [3, 12, 48, 192]), 12);
    }
}
