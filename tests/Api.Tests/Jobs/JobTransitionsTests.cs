using DenoiseService.Api.Jobs;
using DenoiseService.Api.Storage;
using DenoiseService.Api.Tests.Storage;

namespace DenoiseService.Api.Tests.Jobs;

public sealed class JobTransitionsTests
{
    // Rows: from; columns: to, in the order of the enum: queued, running, cancelling, succeeded, failed, cancelled, interrupted.
    private static readonly Dictionary<JobState, string> Table = new()
    {
        [JobState.Queued] = ".r...c.",
        [JobState.Running] = "..csf.i",
        [JobState.Cancelling] = "...s.c.",
        [JobState.Succeeded] = ".......",
        [JobState.Failed] = ".......",
        [JobState.Cancelled] = ".......",
        [JobState.Interrupted] = "qr..fc.",
    };

    public static TheoryData<JobState, JobState> Pairs()
    {
        var pairs = new TheoryData<JobState, JobState>();
        foreach (JobState from in Enum.GetValues<JobState>())
        {
            foreach (JobState to in Enum.GetValues<JobState>()) pairs.Add(from, to);
        }

        return pairs;
    }

    [Theory, MemberData(nameof(Pairs))]
    public void Every_pair_of_states_is_as_the_table_has_it(JobState from, JobState to)
    {
        Job job = Records.Job();
        job.State = from;
        job.LeaseOwner = "worker";
        job.Error = "noted";
        job.LeaseExpiresAt = Records.Noon;
        bool may = Table[from][(int)to] != '.';
        Assert.Equal(may, JobTransitions.May(from, to));
        if (!may)
        {
            Assert.Equal(from, Assert.Throws<JobStateException>(() => job.Move(to, Records.Noon)).From);
            Assert.Equal(from, job.State);
            return;
        }

        job.Move(to, Records.Noon);
        Assert.Equal(to, job.State);
        Assert.Equal(to.IsFinal(), job.FinishedAt is not null);
        Assert.Equal(to is JobState.Running or JobState.Cancelling, job.LeaseOwner is not null);
        Assert.Equal(to is JobState.Succeeded or JobState.Cancelled, job.Error is null);
    }

    [Fact]
    public void Nothing_follows_a_final_state() =>
        Assert.All(Enum.GetValues<JobState>(), s => Assert.Equal(s.IsFinal(), Enum.GetValues<JobState>().All(to => !JobTransitions.May(s, to))));
}
