package io.tiermount.fs.volume;

import io.tiermount.backends.StoreException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;

/** However many ask for the same at once, one asks the store and all get its answer. */
final class SingleFlight<K, V> {
  private final ConcurrentHashMap<K, CompletableFuture<V>> flights = new ConcurrentHashMap<>();

  /** What to do for a key. */
  @FunctionalInterface
  interface Work<V> {
    V run() throws StoreException;
  }

  /**
   * Does the work, or waits for the one who does it already. A caller whose leader was interrupted
   * does the work itself.
   */
  V run(K key, Work<V> work) throws StoreException {
    while (true) {
      CompletableFuture<V> mine = new CompletableFuture<>();
      CompletableFuture<V> leader = flights.putIfAbsent(key, mine);
      if (leader == null) {
        return lead(key, mine, work);
      }
      try {
        return leader.get();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new StoreException(
            StoreException.Kind.INTERRUPTED,
            key.toString(),
            "interrupted while waiting for " + key);
      } catch (ExecutionException e) {
        if (!(e.getCause() instanceof StoreException failed)) {
          throw new IllegalStateException("looking up " + key + " failed", e.getCause());
        }
        if (failed.kind() != StoreException.Kind.INTERRUPTED) {
          throw failed;
        }
      }
    }
  }

  private V lead(K key, CompletableFuture<V> mine, Work<V> work) throws StoreException {
    try {
      V value = work.run();
      mine.complete(value);
      return value;
    } catch (StoreException | RuntimeException e) {
      mine.completeExceptionally(e);
      throw e;
    } finally {
      flights.remove(key, mine);
      // An Error must not leave the others waiting.
      mine.completeExceptionally(new IllegalStateException("the look-up of " + key + " died"));
    }
  }
}
