using DenoiseService.Api.Models;
using DenoiseService.Api.Pictures;
using DenoiseService.Api.Serving;
using DenoiseService.Imaging;
using DenoiseService.Model;

namespace DenoiseService.Api.Routing;

/// <summary>One request for a routing map.</summary>
internal sealed class RoutingOperation(RequestClocks clocks, UploadReader uploads, ModelAccess models, Codec codec, Admission admission, PictureRunner runner)
{
    /// <summary>The media type of the overlay.</summary>
    public static readonly string Png = ImageFormats.MediaType(ImageFormat.Png);

    /// <summary>The map as a report or, if Accept prefers that, as an encoded overlay.</summary>
    public async Task<(RoutingReport? Report, byte[]? Overlay)> RunAsync(HttpContext context)
    {
        using RequestClock clock = clocks.Start(context);
        context.Response.VaryByAccept();
        bool asPicture = OutputFormat.PrefersPng(context.Request);
        using Admission.Room room = admission.Receive(uploads.LengthOf(context.Request));
        Upload upload = await uploads.ReadAsync(context.Request, clock.Token);
        room.Keep(upload.Bytes.Length);
        DenoiseMode mode = upload.Fields.Mode("mode");
        float? sigma = upload.Fields.Sigma("sigma");
        ImageHeader header = codec.ReadHeader(upload.Bytes);
        using ModelLease lease = await models.LeaseAsync(upload.Fields.Text("model"), clock.Token);
        ServedModel model = lease.Model;
        int? block = upload.Fields.Whole("block", 0, model.Card.Config.Blocks - 1);
        EdgeMap? edges = null;
        // Strength 0: the overlay is laid over the picture as it was sent.
        var task = new PictureTask(model, Strength: 0, WithRouting: true)
        {
            Mode = mode,
            Sigma = sigma,
            BeforeDevice = picture => edges = EdgeMap.Of(picture, model.Card.Config.PatchSide),
        };
        Passed passed = await runner.RunAsync(upload.Bytes, header, task, clock);
        byte[]? overlay = asPicture ? await codec.EncodeAsync(() => RoutingOverlay.Draw(passed.Picture, passed.Routing(), block ?? 0), ImageFormat.Png, OutputColor.Keep, clock) : null;
        RoutingReport? report = asPicture ? null : await codec.RunAsync("report", clock, () => RoutingReporter.Report(passed.Routing(), edges!, passed.Picture, block));
        context.Response.SetModelAndTimings(model, clock);
        context.Response.RegisterForDispose(room.PassOn((overlay?.Length ?? 0) + RoutingReporter.BytesOf(report)));
        return (report, overlay);
    }
}
