using System.Globalization;
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
    /// <summary>How often the network looks at every tile.</summary>
    public DenoiseMode Mode { get; init; }

    /// <summary>What the network is told of the noise, in units of 1; null leaves it to the network.</summary>
    public float? Sigma { get; init; }

    /// <summary>Looks at the decoded picture before the network overwrites it, in the codec's turn.</summary>
    public Action<Picture>? BeforeDevice { get; init; }
}

/// <summary>A picture after its way through the device.</summary>
/// <param name="Picture">As it came out.</param>
/// <param name="Tiles">What its routing was collected in; null if that was not asked for.</param>
internal readonly record struct Passed(Picture Picture, TiledPicture? Tiles)
{
    /// <summary>The routing map, if it was asked for. Sums up every patch: for the codec's turn.</summary>
    public RoutingMap Routing() => Tiles!.Routing();
}

/// <summary>The way of every picture: admission by the header's size, decoding, the device.</summary>
internal sealed class PictureRunner(Admission admission, RateLimits rates, Codec codec, ModelWorker worker, TimeProvider time)
{
    /// <summary>Denoises a picture. One that is not admitted is not decoded.</summary>
    public async Task<Passed> RunAsync(ReadOnlyMemory<byte> file, ImageHeader header, PictureTask task, RequestClock clock) => (await RunAsync(file, header, [task], clock))[0];

    /// <summary>Does several things with one picture: one place in the queue, at the cost of all.</summary>
    public async Task<Passed[]> RunAsync(ReadOnlyMemory<byte> file, ImageHeader header, IReadOnlyList<PictureTask> tasks, RequestClock clock)
    {
        foreach (PictureTask task in tasks) CheckSigma(task);
        long[] costs = [.. tasks.Select(t => t.Model.CostOf(header.Height, header.Width, t.Mode))];
        clock.Patches = costs.Sum();
        IReadOnlyList<Admission.Ticket> tickets = admission.AdmitTogether(costs);
        var passes = new List<Pass>();
        try
        {
            // After the queue: who is refused there does not pay.
            rates.Charge(clock.Caller, clock.Patches);
            // The network overwrites what it is given: every pass has a picture of its own.
            foreach (PictureTask task in tasks) passes.Add(Start(await codec.DecodeAsync(file, clock, task.BeforeDevice), task, tickets[passes.Count], clock));
            // The client or the deadline may end the wait at once; the place in the queue is freed when the worker sees it.
            foreach (Pass pass in passes.Where(p => p.OnDevice is not null))
            {
                DeviceTimes times = await pass.OnDevice!.WaitAsync(clock.Token);
                clock.Add("queue", times.Queue);
                clock.Add("device", times.Device);
            }

            return [.. passes.Select(p => new Passed(p.Picture, p.Tiles))];
        }
        finally
        {
            for (int i = 0; i < tickets.Count; i++)
            {
                if (passes.ElementAtOrDefault(i)?.OnDevice is null) tickets[i].Dispose();
            }
        }
    }

    private static void CheckSigma(PictureTask task)
    {
        if (task.Sigma is { } sigma && !task.Model.Card.Config.NoiseLevelInput)
        {
            throw RequestFields.Invalid("sigma", sigma.ToString(CultureInfo.InvariantCulture), $"auto, for the model {task.Model.Version} cannot be told the noise level", sigma);
        }
    }

    private Pass Start(Picture picture, PictureTask task, Admission.Ticket ticket, RequestClock clock)
    {
        // Strength 0 without a map needs no network: the answer is the input. Charged all the same: its pixels take memory.
        if (task.Strength == 0 && !task.WithRouting) return new Pass(picture, null, null);
        TiledPicture tiles = task.Model.Denoiser.Tile(picture.Samples, picture.Height, picture.Width, task.Strength, task.WithRouting, task.Mode, task.Sigma);
        var work = new DeviceWork(task.Model, tiles, ticket, time.GetTimestamp(), clock.Token);
        return new Pass(picture, task.WithRouting ? tiles : null, worker.RunAsync(work));
    }

    private sealed record Pass(Picture Picture, TiledPicture? Tiles, Task<DeviceTimes>? OnDevice);
}
