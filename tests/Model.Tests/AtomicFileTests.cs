namespace DenoiseService.Model.Tests;

public sealed class AtomicFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_write_replaces_the_file_and_leaves_nothing_beside_it()
    {
        AtomicFile.Write(_folder["a.bin"], [1, 2, 3]);
        AtomicFile.Write(_folder["a.bin"], [4]);
        Assert.Equal([4], File.ReadAllBytes(_folder["a.bin"]));
        Assert.Equal([_folder["a.bin"]], Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void Missing_folders_are_made()
    {
        AtomicFile.Write(_folder["x/y/a.bin"], [1]);
        Assert.Equal([1], File.ReadAllBytes(_folder["x/y/a.bin"]));
    }

    [Fact]
    public void A_write_that_fails_at_the_start_keeps_the_old_file()
    {
        string path = _folder[new string('n', 240)]; // a file may be called that, the temporary one, which is longer, may not
        File.WriteAllBytes(path, [7]);
        Assert.ThrowsAny<IOException>(() => AtomicFile.Write(path, [1, 2]));
        Assert.Equal([7], File.ReadAllBytes(path));
        Assert.Equal([path], Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void A_write_that_fails_at_the_end_leaves_no_temporary_file()
    {
        Directory.CreateDirectory(_folder["taken"]);
        File.WriteAllBytes(_folder["taken/inside"], [7]);
        Assert.ThrowsAny<Exception>(() => AtomicFile.Write(_folder["taken"], [1, 2]));
        Assert.Equal([_folder["taken"]], Directory.GetFileSystemEntries(_folder.Path));
        Assert.Equal([7], File.ReadAllBytes(_folder["taken/inside"]));
    }
}
