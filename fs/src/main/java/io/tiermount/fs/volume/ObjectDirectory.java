package io.tiermount.fs.volume;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.tiermount.backends.StoreException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * One reading of a directory of keys. Entries come in windows, from the store's pages or from the
 * index; the next window is fetched while one is consumed, and the last two are kept for a reader
 * that steps back. A reader that goes back further starts the reading anew.
 */
final class ObjectDirectory implements DirectoryStream {
  private static final int WINDOWS_KEPT = 2;

  /** Where windows come from; each call gives the next, null behind the last. */
  interface Windows {
    @Nullable List<DirEntry> next() throws StoreException;
  }

  /** Begins a reading. */
  interface Opener {
    Windows open() throws StoreException;
  }

  private record Window(long first, List<DirEntry> entries) {
    boolean holds(long ordinal) {
      return ordinal >= first && ordinal < first + entries.size();
    }
  }

  private final Opener opener;
  private final ReentrantLock lock = new ReentrantLock();

  @GuardedBy("lock")
  private final Deque<Window> windows = new ArrayDeque<>();

  @GuardedBy("lock")
  private @Nullable Windows source;

  @GuardedBy("lock")
  private @Nullable CompletableFuture<@Nullable Object> ahead;

  @GuardedBy("lock")
  private long end;

  @GuardedBy("lock")
  private boolean complete;

  ObjectDirectory(Opener opener) {
    this.opener = opener;
  }

  @Override
  public @Nullable List<DirEntry> at(long ordinal) {
    if (!lock.tryLock()) {
      return null;
    }
    try {
      return held(ordinal);
    } finally {
      lock.unlock();
    }
  }

  @GuardedBy("lock")
  private @Nullable List<DirEntry> held(long ordinal) {
    for (Window window : windows) {
      if (window.holds(ordinal)) {
        int from = (int) (ordinal - window.first());
        return window.entries().subList(from, window.entries().size());
      }
    }
    return complete && ordinal >= end ? List.of() : null;
  }

  @Override
  public void load(long ordinal) throws StoreException {
    try {
      lock.lockInterruptibly();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw interrupted();
    }
    try {
      if (source == null || ordinal < (windows.isEmpty() ? end : windows.getFirst().first())) {
        restart();
      }
      while (held(ordinal) == null) {
        advance();
      }
    } finally {
      lock.unlock();
    }
  }

  @GuardedBy("lock")
  private void restart() throws StoreException {
    windows.clear();
    end = 0;
    complete = false;
    ahead = null;
    source = opener.open();
  }

  @GuardedBy("lock")
  private void advance() throws StoreException {
    Windows from = source;
    if (from == null) {
      throw new IllegalStateException("restart() comes first");
    }
    List<DirEntry> entries;
    try {
      entries = ahead == null ? from.next() : taken(ahead);
    } catch (StoreException | RuntimeException e) {
      // The next reader begins again: half a listing is never taken for a whole one.
      source = null;
      ahead = null;
      throw e;
    }
    ahead = null;
    if (entries == null) {
      complete = true;
      return;
    }
    if (!entries.isEmpty()) {
      windows.addLast(new Window(end, entries));
      end += entries.size();
      if (windows.size() > WINDOWS_KEPT) {
        windows.removeFirst();
      }
    }
    CompletableFuture<@Nullable Object> next = new CompletableFuture<>();
    Thread.startVirtualThread(() -> {
      try {
        next.complete(from.next());
      } catch (StoreException | RuntimeException e) {
        next.completeExceptionally(e);
      }
    });
    ahead = next;
  }

  @SuppressWarnings("unchecked") // Only next() completes it.
  private static @Nullable List<DirEntry> taken(CompletableFuture<@Nullable Object> ahead)
      throws StoreException {
    try {
      return (List<DirEntry>) ahead.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw interrupted();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof StoreException failed) {
        throw failed;
      }
      throw new IllegalStateException("reading a directory failed", e.getCause());
    }
  }

  private static StoreException interrupted() {
    return new StoreException(
        StoreException.Kind.INTERRUPTED, "", "interrupted while reading a directory");
  }
}
