namespace DenoiseService.Imaging.Tests;

public sealed class ImageFormatsTests
{
    public static TheoryData<ImageFormat> Every => [.. ImageFormats.All];

    [Theory]
    [MemberData(nameof(Every))]
    public void What_is_written_is_recognised_from_its_first_64_bytes(ImageFormat format)
    {
        byte[] file = ImageCodec.Encode(Samples.Gradient(3, 20, 30), format);
        Assert.Equal(format, ImageFormats.Recognise(file.AsSpan(0, 64)));
    }

    [Theory]
    [InlineData("png", ImageFormat.Png)]
    [InlineData("JPG", ImageFormat.Jpeg)]
    [InlineData("jpeg", ImageFormat.Jpeg)]
    [InlineData(".tif", ImageFormat.Tiff)]
    [InlineData("tiff", ImageFormat.Tiff)]
    [InlineData("image/webp", ImageFormat.WebP)]
    [InlineData("Image/PNG; q=0.8", ImageFormat.Png)]
    [InlineData("image/x-ms-bmp", ImageFormat.Bmp)]
    [InlineData("avif", ImageFormat.Avif)]
    public void Names_extensions_and_media_types_are_parsed(string text, ImageFormat expected)
    {
        Assert.True(ImageFormats.TryParse(text, out ImageFormat format));
        Assert.Equal(expected, format);
    }

    [Theory]
    [InlineData("")]
    [InlineData(null)]
    [InlineData("gif")]
    [InlineData("image/*")]
    [InlineData("image/heic")]
    public void Other_names_are_not_parsed(string? text) => Assert.False(ImageFormats.TryParse(text, out _));

    [Fact]
    public void Media_type_and_extension_lead_back_to_the_format()
    {
        foreach (ImageFormat format in ImageFormats.All)
        {
            Assert.True(ImageFormats.TryParse(ImageFormats.MediaType(format), out ImageFormat byType) && byType == format);
            Assert.True(ImageFormats.TryParse(ImageFormats.Extension(format), out ImageFormat byName) && byName == format);
        }

        Assert.Equal(ImageFormats.All.Count, ImageFormats.AcceptedMediaTypes.Count);
    }

    [Theory]
    [InlineData("")]
    [InlineData("GIF89a and more than twenty bytes")]
    [InlineData("<svg xmlns='http://www.w3.org/2000/svg'/>")]
    [InlineData("BMW is no bitmap but begins like one")]
    [InlineData("%PDF-1.7 and so on and so forth")]
    public void Other_content_is_refused_with_a_list_of_what_is_accepted(string content)
    {
        byte[] bytes = System.Text.Encoding.ASCII.GetBytes(content);
        UnsupportedImageException error = Assert.Throws<UnsupportedImageException>(() => ImageCodec.Decode(bytes, Samples.Limits));
        Assert.Equal(ImageFormats.AcceptedMediaTypes, error.Accepted);
        Assert.Contains("image/webp", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Hevc_pictures_are_refused_even_under_a_false_brand()
    {
        byte[] file = Samples.File("hevc.heic");
        Assert.Throws<UnsupportedImageException>(() => ImageCodec.ReadHeader(file, Samples.Limits));
        "avif"u8.CopyTo(file.AsSpan(8));
        Assert.Throws<CorruptImageException>(() => ImageCodec.Decode(file, Samples.Limits));
    }
}
