using System.Data.Common;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.Extensions.DependencyInjection;

namespace DenoiseService.Api.Tests.Support;

/// <summary>Is shown every query of a service when it was carried out and its rows are about to be read: the moment for what another process may do between a look and a deed.</summary>
internal sealed class Queries(Action<string> seen) : DbCommandInterceptor
{
    public override ValueTask<DbDataReader> ReaderExecutedAsync(DbCommand command, CommandExecutedEventData eventData, DbDataReader result, CancellationToken cancellationToken = default)
    {
        seen(command.CommandText);
        return ValueTask.FromResult(result);
    }
}

/// <summary>Services whose queries are seen.</summary>
internal static class QueriesExtensions
{
    /// <summary>The service with somebody who is shown the SQL of its queries.</summary>
    public static WebApplicationFactory<Program> Seen(this Service service, Action<string> seen) =>
        service.WithWebHostBuilder(b => b.ConfigureTestServices(s => s.AddSingleton<IInterceptor>(new Queries(seen))));
}
