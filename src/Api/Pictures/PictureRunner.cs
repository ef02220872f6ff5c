using DenoiseService.Api.Access;
using DenoiseService.Api.Serving;
using DenoiseService.Imaging;
using DenoiseService.Model;

namespace DenoiseService.Api.Pictures;

/// <summary>What to do with a picture.</summary>
/// <param name="Model">Which network.</param>
/// <param name="Strength">0 leaves the pixels as they are, 1 takes the network's.</param>
/// <param name="WithRouting">Collect the routing map.</param>
internal sealed record PictureTask(ServedModel Model, float Strength, bool WithRouting)
{
    /// <summary>Looks at the decoded picture before the network overwrites it.</summary>
    public Action<Picture>? BeforeDevice { get; init; }
}

/// <summary>The way of every picture: admission by the header's size, decoding, the device.</summary>
internal sealed class PictureRunner(Admission admission, RateLimits rates, Codec codec, ModelWorker worker, TimeProvider time)
{
    /// <summary>Denoises a picture, and returns it with the routing map if that was asked for. A picture that is not admitted is not decoded.</summary>
    public async Task<(Picture Picture, RoutingMap? Routing)> RunAsync(ReadOnlyMemory<byte> file, ImageHeader header, PictureTask task, RequestClock clock)
    {
        // Strength 0 without a map needs no network: the answer is the input.
        bool needsDevice = task.Strength > 0 || task.WithRouting;
        // Charged all the same: its pixels take memory.
        long patches = task.Model.CostOf(header.Height, header.Width);
        clock.Patches = patches;
        Admission.Ticket ticket = admission.Admit(patches);
        bool handedOver = false;
        try
        {
            // After the queue: who is refused there does not pay.
            rates.Charge(clock.Caller, patches);
            Picture picture = await codec.DecodeAsync(file, clock);
            task.BeforeDevice?.Invoke(picture);
            if (!needsDevice) return (picture, null);
            TiledPicture tiles = task.Model.Denoiser.Tile(picture.Samples, picture.Height, picture.Width, task.Strength, task.WithRouting);
            var work = new DeviceWork(task.Model, tiles, ticket, time.GetTimestamp(), clock.Token);
            handedOver = true;
            // The client or the deadline may end the wait at once; the place in the queue is freed when the worker sees it.
            DeviceTimes times = await worker.RunAsync(work).WaitAsync(clock.Token);
            clock.Add("queue", times.Queue);
            clock.Add("device", times.Device);
            return (picture, task.WithRouting ? tiles.Routing() : null);
        }
        finally
        {
            if (!handedOver) ticket.Dispose();
        }
    }
}
