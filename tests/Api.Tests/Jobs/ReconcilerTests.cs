using DenoiseService.Api.Jobs.Engine;
using DenoiseService.Api.Tests.Support;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace DenoiseService.Api.Tests.Jobs;

public sealed class ReconcilerTests
{
    [Fact]
    public async Task A_job_that_is_stored_and_claimed_while_the_open_ones_are_read_keeps_its_folder()
    {
        await using var service = new Service(new() { ["Roles:Worker"] = "false" });
        string jobs = Path.Combine(service.Models.Path, "data", "jobs"), left = Path.Combine(jobs, "left"), claimed = Path.Combine(jobs, "claimed");
        await using WebApplicationFactory<Program> app = service.Seen(sql =>
        {
            if (sql.Contains("FROM \"Jobs\"", StringComparison.Ordinal)) Directory.CreateDirectory(claimed);
        });
        var reconciler = app.Services.GetRequiredService<JobReconciler>();
        Directory.CreateDirectory(left);
        await reconciler.ReconcileAsync(CancellationToken.None);
        Assert.Equal([claimed], Directory.GetDirectories(jobs));
    }
}
