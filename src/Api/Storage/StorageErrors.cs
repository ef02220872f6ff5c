using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using SQLitePCL;

namespace DenoiseService.Api.Storage;

/// <summary>What a failure of either database means.</summary>
internal static class StorageErrors
{
    /// <summary>A key or a unique column has this value already.</summary>
    public static bool IsDuplicate(DbUpdateException exception) => exception.InnerException is
        PostgresException { SqlState: PostgresErrorCodes.UniqueViolation } or SqliteException { SqliteExtendedErrorCode: raw.SQLITE_CONSTRAINT_UNIQUE or raw.SQLITE_CONSTRAINT_PRIMARYKEY };

    /// <summary>Something still points to what was to be deleted, or what is pointed to is not there. Statements that do not go through SaveChanges throw the inner one bare.</summary>
    public static bool IsReference(Exception exception) => (exception is DbUpdateException ? exception.InnerException : exception) is
        PostgresException { SqlState: PostgresErrorCodes.ForeignKeyViolation } or SqliteException { SqliteExtendedErrorCode: raw.SQLITE_CONSTRAINT_FOREIGNKEY or raw.SQLITE_CONSTRAINT_TRIGGER };

    /// <summary>Something else was changed at the same moment, so this transaction was not done: the same one may work at once.</summary>
    public static bool IsSerializationFailure(Exception? exception) => exception is PostgresException { SqlState: PostgresErrorCodes.SerializationFailure } || (exception is not null && IsSerializationFailure(exception.InnerException));

    /// <summary>The database is away, full, busy or read-only: the same call may work later.</summary>
    public static bool IsUnavailable(Exception? exception) => exception switch
    {
        null or OperationCanceledException => false, // who gives up has the server's QueryCanceled inside
        NpgsqlException { IsTransient: true } => true,
        // A standby after a failover, or set so by its operator; the server's own time limit.
        PostgresException { SqlState: PostgresErrorCodes.ReadOnlySqlTransaction or PostgresErrorCodes.QueryCanceled } => true,
        SqliteException { SqliteErrorCode: raw.SQLITE_BUSY or raw.SQLITE_LOCKED or raw.SQLITE_IOERR or raw.SQLITE_FULL or raw.SQLITE_CANTOPEN or raw.SQLITE_READONLY } => true,
        System.Net.Sockets.SocketException => true, // the server's name is not known now, or nobody listens
        _ => IsUnavailable(exception.InnerException),
    };
}
