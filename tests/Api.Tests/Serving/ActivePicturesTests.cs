using DenoiseService.Api.Serving;
using DenoiseService.Api.Tests.Support;
using DenoiseService.Model;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Tests.Serving;

public sealed class ActivePicturesTests : IDisposable
{
    private const int Side = 32;
    private readonly Admission _admission = new(Options.Create(new InferenceOptions()), new Throughput());
    private readonly ServedModel _one = Served("one"), _two = Served("two");
    private readonly ActivePictures _active = new(maxBatchPatches: 10 * 64);

    public void Dispose()
    {
        _one.Denoiser.Dispose();
        _two.Denoiser.Dispose();
    }

    [Fact]
    public void A_batch_is_shared_out_evenly_and_what_small_ones_leave_goes_to_the_large()
    {
        DeviceWork large = Add(_one, tiles: 40), small = Add(_one, tiles: 2), other = Add(_one, tiles: 40);
        Batch batch = _active.Next();
        Assert.Equal(10, batch.Tiles);
        Assert.Equal(new Dictionary<DeviceWork, int> { [small] = 2, [large] = 4, [other] = 4 }, batch.Shares.ToDictionary(s => s.Work, s => s.Tiles));
    }

    [Fact]
    public void With_more_pictures_than_tiles_all_have_their_turn()
    {
        DeviceWork[] all = [.. Enumerable.Range(0, 25).Select(_ => Add(_one, tiles: 5))];
        var served = new HashSet<DeviceWork>();
        for (int i = 0; i < 3; i++) served.UnionWith(_active.Next().Shares.Select(s => s.Work));
        Assert.Equal(all.Length, served.Count);
    }

    [Fact]
    public void A_batch_never_mixes_models_and_models_take_turns()
    {
        Add(_one, tiles: 40);
        Add(_two, tiles: 40);
        Add(_one, tiles: 40);
        Batch first = _active.Next(), second = _active.Next(), third = _active.Next();
        Assert.Equal((_one, _two, _one), (first.Model, second.Model, third.Model));
        Assert.Equal((2, 1, 2), (first.Shares.Count, second.Shares.Count, third.Shares.Count));
    }

    [Fact]
    public void Cancelled_pictures_are_taken_out()
    {
        using var gone = new CancellationTokenSource();
        DeviceWork stays = Add(_one, tiles: 3), leaves = Add(_one, tiles: 3, gone.Token);
        gone.Cancel();
        Assert.Equal([leaves], _active.TakeCancelled());
        Assert.Equal(stays, Assert.Single(_active.Next().Shares).Work);
    }

    [Fact]
    public void A_budget_below_one_tile_still_runs_one_tile()
    {
        var tight = new ActivePictures(maxBatchPatches: 1);
        tight.Add(Work(_one, tiles: 3, default));
        Assert.Equal(1, tight.Next().Tiles);
    }

    private DeviceWork Add(ServedModel model, int tiles, CancellationToken cancellationToken = default)
    {
        DeviceWork work = Work(model, tiles, cancellationToken);
        _active.Add(work);
        return work;
    }

    private DeviceWork Work(ServedModel model, int tiles, CancellationToken cancellationToken)
    {
        int width = Side + (tiles - 1) * (Side - 8);
        TiledPicture picture = model.Denoiser.Tile(new float[Side * width], Side, width);
        Assert.Equal(tiles, picture.TilesWaiting);
        return new DeviceWork(model, picture, _admission.Admit(tiles * 64), 0, cancellationToken);
    }

    private static ServedModel Served(string id) => new(id, id, new CheckpointCard(ModelFolder.SmallConfig, new string('0', 64), [], []), new Denoiser(new SmallViT(ModelFolder.SmallConfig)));
}
