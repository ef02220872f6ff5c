using DenoiseService.Api.Errors;
using DenoiseService.Api.Serving;
using Microsoft.Extensions.Options;

namespace DenoiseService.Api.Tests.Serving;

public sealed class AdmissionTests
{
    private readonly Throughput _throughput = new();

    [Theory]
    [InlineData(10, 1)]
    [InlineData(2_500, 3)]
    [InlineData(1_000_000, 60)]
    public void Retry_after_is_the_queued_work_over_the_measured_rate_from_1_to_60_s(long queued, int seconds)
    {
        _throughput.Record(1000, TimeSpan.FromSeconds(1));
        Admission admission = Of(new() { MaxQueuedRequests = 1 });
        using Admission.Ticket first = admission.Admit(queued);
        Assert.Equal(TimeSpan.FromSeconds(seconds), Assert.Throws<ApiException>(() => admission.Admit(1)).RetryAfter);
    }

    [Fact]
    public void A_ticket_gives_its_place_back_once_however_often_it_is_disposed()
    {
        Admission admission = Of(new());
        Admission.Ticket one = admission.Admit(5), two = admission.Admit(7);
        one.Dispose();
        one.Dispose();
        Assert.Equal((1, 7L), (admission.PendingRequests, admission.PendingPatches));
        two.Dispose();
        Assert.Equal((0, 0L), (admission.PendingRequests, admission.PendingPatches));
    }

    [Fact]
    public void Passes_admitted_together_take_one_place_at_the_cost_of_all_until_the_last_has_ended()
    {
        Admission admission = Of(new() { MaxQueuedPatches = 20 });
        IReadOnlyList<Admission.Ticket> passes = admission.AdmitTogether([5, 7]);
        Assert.Equal((1, 12L), (admission.PendingRequests, admission.PendingPatches));
        Assert.Equal(21L, Assert.Throws<ApiException>(() => admission.AdmitTogether([4, 5])).Actual);
        passes[1].Dispose();
        passes[1].Dispose();
        Assert.Equal((1, 5L), (admission.PendingRequests, admission.PendingPatches));
        passes[0].Dispose();
        Assert.Equal((0, 0L), (admission.PendingRequests, admission.PendingPatches));
    }

    [Fact]
    public void Bodies_are_bounded_together_and_one_above_the_bound_may_come_alone()
    {
        Admission admission = Of(new() { MaxQueuedBytes = 2000 });
        using (admission.Receive(5000)) Assert.Equal((2000L, 5001L), Limits(1));
        using Admission.Room half = admission.Receive(1900);
        Assert.Equal((2000L, 2900L), Limits(1000));
        half.Keep(1000); // it was shorter than it might have been
        using (admission.Receive(1000)) Assert.Equal((2000L, 2001L), Limits(1));
        admission.Receive(1000).Dispose();

        (object?, object?) Limits(long bytes)
        {
            var refused = Assert.Throws<ApiException>(() => admission.Receive(bytes));
            Assert.Equal(ProblemKind.QueueFull, refused.Kind);
            return (refused.Limit, refused.Actual);
        }
    }

    [Fact]
    public void Requests_are_bounded_from_their_arrival_until_they_are_answered_and_count_once()
    {
        Admission admission = Of(new() { MaxQueuedRequests = 2 });
        Admission.Room one = admission.Receive(10), two = admission.Receive(10);
        Assert.Equal((2L, 3L), Limits());
        Assert.Equal(0, admission.PendingRequests); // jobs do not wait for uploads
        using (admission.Admit(5))
        using (admission.Admit(5)) // the same two
        {
            Assert.Equal((2L, 3L), Limits());
        }

        Assert.Equal((2L, 3L), Limits()); // through the device, but not answered
        one.Dispose();
        one.Dispose();
        using (admission.Receive(10)) Assert.Equal((2L, 3L), Limits());
        two.Dispose();
        using Admission.Room next = admission.Receive(10);
        admission.Receive(10).Dispose();

        (object?, object?) Limits()
        {
            var refused = Assert.Throws<ApiException>(() => admission.Receive(1));
            Assert.Equal((ProblemKind.QueueFull, "requests"), (refused.Kind, refused.Parameter));
            return (refused.Limit, refused.Actual);
        }
    }

    [Fact]
    public void A_place_that_was_passed_on_counts_with_the_answers_bytes_and_is_given_back_once()
    {
        Admission admission = Of(new() { MaxQueuedBytes = 2000 });
        Admission.Room answer;
        using (Admission.Room room = admission.Receive(500)) answer = room.PassOn(1400);
        Assert.Equal((1, 1900L), (admission.OpenRequests, admission.OpenBytes));
        Assert.Equal(2001L, Assert.Throws<ApiException>(() => admission.Receive(101)).Actual);
        answer.Dispose();
        answer.Dispose();
        Assert.Equal((0, 0L), (admission.OpenRequests, admission.OpenBytes));
    }

    [Fact]
    public void A_closed_queue_refuses_with_503_and_keeps_what_it_has()
    {
        Admission admission = Of(new());
        using Admission.Ticket first = admission.Admit(1);
        admission.Close();
        Assert.Equal(ProblemKind.Draining, Assert.Throws<ApiException>(() => admission.Admit(1)).Kind);
        Assert.Equal(1, admission.PendingRequests);
    }

    private Admission Of(InferenceOptions options) => new(Options.Create(options), _throughput);
}
