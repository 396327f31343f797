package io.tiermount.fs.volume;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.tiermount.backends.Keys;
import io.tiermount.fs.meta.MetaException;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.function.Consumer;

/**
 * Helps whoever asks for the attributes of a listed directory's entries one after the other ({@code
 * ls -l}, {@code find -size}): after a few in order, the metadata of those that follow is fetched
 * in parallel. Each entry is asked for once: who comes for one under way waits for it ({@link
 * SingleFlight}). Safe from any thread.
 */
final class MetadataPrefetch {
  /** In order before it starts: two could be chance. */
  private static final int STREAK = 3;

  private static final int BATCH = 256;
  private static final int PARALLEL = 32;

  private final FactsStore facts;
  private final Semaphore running = new Semaphore(PARALLEL);

  @GuardedBy("this")
  private long dir;

  @GuardedBy("this")
  private String last = "";

  @GuardedBy("this")
  private int streak;

  /** Names up to here are under way. */
  @GuardedBy("this")
  private String ahead = "";

  MetadataPrefetch(FactsStore facts) {
    this.facts = facts;
  }

  /**
   * Tells of a name whose metadata has to be fetched now.
   *
   * @param sinceMillis entries seen earlier are not worth it
   * @param fetch fetches one entry; blocks
   */
  void asked(long dirId, String name, long sinceMillis, Consumer<DirEntry> fetch) {
    String from;
    synchronized (this) {
      boolean follows = dirId == dir && Keys.ORDER.compare(name, last) > 0;
      streak = follows ? streak + 1 : 0;
      if (!follows) {
        ahead = "";
      }
      dir = dirId;
      last = name;
      if (streak < STREAK || Keys.ORDER.compare(name, ahead) < 0) {
        return;
      }
      from = name;
      // Nobody else starts the same batch; corrected below.
      ahead = name + Character.MAX_VALUE;
    }
    Thread.startVirtualThread(() -> run(dirId, from, sinceMillis, fetch));
  }

  private void run(long dirId, String from, long sinceMillis, Consumer<DirEntry> fetch) {
    List<DirEntry> entries;
    try {
      FactsStore.Window window = facts.scan(dirId, from, sinceMillis, BATCH);
      entries = window.entries();
      synchronized (this) {
        if (dir == dirId) {
          // The next batch starts while the last quarter of this one is being asked for.
          ahead = entries.isEmpty() ? window.last() : entries.get(entries.size() * 3 / 4).name();
        }
      }
    } catch (MetaException e) {
      return;
    }
    for (DirEntry entry : entries) {
      if (entry.facts().posix() == null) {
        running.acquireUninterruptibly();
        Thread.startVirtualThread(() -> {
          try {
            fetch.accept(entry);
          } finally {
            running.release();
          }
        });
      }
    }
  }
}
