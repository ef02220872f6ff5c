using System.Runtime.InteropServices;
using DenoiseService.Api.Pictures;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Tests.Pictures;

public sealed class UploadReaderTests
{
    [Theory]
    [InlineData(1000, true)]
    [InlineData(1000, false)]
    [InlineData(1_500_000, true)]
    [InlineData(1_500_000, false)]
    public async Task An_upload_is_an_array_of_its_own_which_the_codec_reads_where_it_lies(int length, bool announced)
    {
        byte[] sent = new byte[length];
        new Random(1).NextBytes(sent);
        var context = new DefaultHttpContext();
        context.Request.Body = new MemoryStream(sent);
        context.Request.ContentLength = announced ? length : null;
        Upload upload = await new UploadReader(Options.Create(new ImageOptions())).ReadAsync(context.Request, CancellationToken.None);
        Assert.True(MemoryMarshal.TryGetArray(upload.Bytes, out ArraySegment<byte> bytes));
        Assert.Equal((0, length, length), (bytes.Offset, bytes.Count, bytes.Array!.Length));
        Assert.Equal(sent, bytes.Array);
    }
}
