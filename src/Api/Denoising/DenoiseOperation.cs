using System.Net.Mime;
using DenoiseService.Api.Models;
using DenoiseService.Api.Pictures;
using DenoiseService.Api.Routing;
using DenoiseService.Api.Serving;
using DenoiseService.Imaging;

namespace DenoiseService.Api.Denoising;

/// <summary>The clean picture, encoded; the routing only if it was asked for.</summary>
internal sealed record Denoised(byte[] Image, string MediaType, string ModelVersion, RoutingReport? Routing, IReadOnlyDictionary<string, double> Timings);

/// <summary>One request for a clean picture.</summary>
internal sealed class DenoiseOperation(RequestClocks clocks, UploadReader uploads, ModelAccess models, Codec codec, Admission admission, PictureRunner runner)
{
    /// <summary>Cheap checks first: what is refused is refused before it is decoded, and never waits.</summary>
    public async Task<Denoised> RunAsync(HttpContext context)
    {
        using RequestClock clock = clocks.Start(context);
        context.Response.VaryByAccept();
        using Admission.Room room = admission.Receive(uploads.LengthOf(context.Request));
        Upload upload = await uploads.ReadAsync(context.Request, clock.Token);
        room.Keep(upload.Bytes.Length);
        var asked = DenoiseParameters.Read(upload.Fields);
        ImageHeader header = codec.ReadHeader(upload.Bytes);
        ImageFormat format = FormatOf(asked, context.Request, header);
        using ModelLease lease = await models.LeaseAsync(asked.Model, clock.Token);
        ServedModel model = lease.Model;

        EdgeMap? edges = null;
        var task = new PictureTask(model, asked.Strength, asked.IncludeRouting)
        {
            Mode = asked.Mode,
            Sigma = asked.Sigma,
            BeforeDevice = picture =>
            {
                if (asked.Color == OutputColor.Srgb) ImageCodec.CheckProfile(picture);
                if (asked.IncludeRouting) edges = EdgeMap.Of(picture, model.Card.Config.PatchSide);
            },
        };
        Passed passed = await runner.RunAsync(upload.Bytes, header, task, clock);
        byte[] image = await codec.EncodeAsync(passed.Picture, format, asked.Color, clock);
        RoutingReport? routing = asked.IncludeRouting ? await codec.RunAsync("report", clock, () => RoutingReporter.Report(passed.Routing(), edges!, passed.Picture)) : null;
        context.Response.SetModelAndTimings(model, clock);
        context.Response.RegisterForDispose(room.PassOn(image.Length + RoutingReporter.BytesOf(routing)));
        return new Denoised(image, ImageFormats.MediaType(format), model.Version, routing, clock.Milliseconds);
    }

    /// <summary>With the routing the answer is JSON, so Accept speaks of that and not of the picture inside.</summary>
    private static ImageFormat FormatOf(DenoiseParameters asked, HttpRequest request, ImageHeader header)
    {
        if (!asked.IncludeRouting) return OutputFormat.Choose(asked.Format, request, header);
        if (OutputFormat.QualityOf(MediaTypeNames.Application.Json, request.GetTypedHeaders().Accept) == 0) throw OutputFormat.NotAcceptable([MediaTypeNames.Application.Json], request);
        return OutputFormat.Choose(asked.Format ?? header.Format, request, header);
    }
}
