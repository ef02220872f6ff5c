using DenoiseService.Api.Models;
using DenoiseService.Api.Pictures;
using DenoiseService.Api.Serving;
using DenoiseService.Imaging;
using DenoiseService.Model;
using DenoiseService.Training;

namespace DenoiseService.Api.Comparing;

/// <summary>One request for a comparison: one picture, two models, one place in the queue at the cost of both.</summary>
internal sealed class CompareOperation(RequestClocks clocks, UploadReader uploads, ModelAccess models, Codec codec, Admission admission, PictureRunner runner)
{
    /// <summary>The media type of the difference picture.</summary>
    public static readonly string Png = ImageFormats.MediaType(ImageFormat.Png);

    /// <summary>The scores or, if Accept prefers that, the difference picture.</summary>
    public async Task<(Comparison? Scores, byte[]? Difference)> RunAsync(HttpContext context)
    {
        using RequestClock clock = clocks.Start(context);
        context.Response.VaryByAccept();
        bool asPicture = OutputFormat.PrefersPng(context.Request);
        using Admission.Room room = admission.Receive(uploads.LengthOf(context.Request));
        Upload upload = await uploads.ReadAsync(context.Request, clock.Token);
        room.Keep(upload.Bytes.Length);
        var strength = (float)upload.Fields.Number("strength", 0, 1, otherwise: 1);
        DenoiseMode mode = upload.Fields.Mode("mode");
        float? sigma = upload.Fields.Sigma("sigma");
        var gain = (float)upload.Fields.Number("gain", 1, 255, otherwise: 10);
        bool withImages = upload.Fields.Flag("includeImages");
        ImageHeader header = codec.ReadHeader(upload.Bytes);
        using ModelLease one = await models.LeaseAsync(upload.Fields.Text("first"), clock.Token);
        using ModelLease other = await models.LeaseAsync(upload.Fields.Text("second") ?? ModelNames.Candidate, clock.Token);
        (ServedModel first, ServedModel second) = (one.Model, other.Model);

        Passed[] passed = await runner.RunAsync(upload.Bytes, header, [TaskOf(first), TaskOf(second)], clock);
        (Picture a, Picture b) = (passed[0].Picture, passed[1].Picture);
        Comparison? scores = asPicture ? null : await codec.RunAsync("score", clock, () => Score(first, second, strength, passed));
        byte[]? difference = asPicture || withImages ? await codec.EncodeAsync(() => Differences.Draw(a, b, gain), ImageFormat.Png, OutputColor.Keep, clock) : null;
        if (withImages && scores is not null)
        {
            scores = scores with { Images = new ComparedImages(await EncodeAsync(a), await EncodeAsync(b), difference!, gain, Png) };
        }

        context.Response.SetModelAndTimings([first, second], clock);
        byte[]?[] pictures = [difference, scores?.Images?.First, scores?.Images?.Second];
        context.Response.RegisterForDispose(room.PassOn(pictures.Sum(p => p?.LongLength ?? 0)));
        return (scores is null ? null : scores with { Timings = clock.Milliseconds }, asPicture ? difference : null);

        PictureTask TaskOf(ServedModel model) => new(model, strength, WithRouting: true) { Mode = mode, Sigma = sigma };

        Task<byte[]> EncodeAsync(Picture picture) => codec.EncodeAsync(picture, ImageFormat.Png, OutputColor.Keep, clock);
    }

    private static Comparison Score(ServedModel first, ServedModel second, float strength, Passed[] passed)
    {
        (Picture a, Picture b) = (passed[0].Picture, passed[1].Picture);
        double psnr = Metrics.Psnr(a.Samples, b.Samples);
        double? ssim = Math.Min(a.Height, a.Width) >= Metrics.Window ? Math.Round(Metrics.Ssim(a.Samples, b.Samples, a.Height, a.Width), 6) : null;
        (double mean, double largest) = Differences.Of(a.Samples, b.Samples);
        return new Comparison(
            first.Version, second.Version, a.Height, a.Width, Math.Round(strength, 6), double.IsFinite(psnr) ? Math.Round(psnr, 4) : null, ssim, mean, largest, Differences.Of(passed[0].Routing(), passed[1].Routing()), new Dictionary<string, double>());
    }
}
