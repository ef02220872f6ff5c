using Microsoft.EntityFrameworkCore;

namespace DenoiseService.Api.Storage;

/// <summary>Changes that several processes may make at the same time.</summary>
internal static class Optimistic
{
    private const int Attempts = 20;

    /// <summary>Reads, changes and saves in one transaction; where somebody else changed or added the same meanwhile, it looks again and does it anew.</summary>
    /// <param name="stores">Gives a fresh store for each attempt.</param>
    /// <param name="change">Reads what it needs and makes its changes, without saving them.</param>
    /// <param name="cancellationToken">Ends it before anything is saved.</param>
    public static async Task<T> SaveAsync<T>(this IDbContextFactory<Store> stores, Func<Store, Task<T>> change, CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            await using Store store = stores.CreateDbContext();
            T result = await change(store);
            try
            {
                await store.SaveChangesAsync(cancellationToken);
                return result;
            }
            catch (DbUpdateException e) when (attempt < Attempts && (e is DbUpdateConcurrencyException || StorageErrors.IsDuplicate(e)))
            {
                // Somebody else was faster.
            }
        }
    }
}
