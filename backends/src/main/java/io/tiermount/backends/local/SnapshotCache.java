package io.tiermount.backends.local;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.tiermount.backends.Keys;
import io.tiermount.backends.local.DirectorySnapshot.Identity;
import io.tiermount.backends.local.KeyPaths.Directory;
import io.tiermount.backends.os.ErrnoException;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Snapshots of large directories, so that the pages of a listing read and sort a directory once.
 * Used only while the directory is unchanged on disk. Holds at most {@link #MAX_ENTRIES} entries,
 * about 25 MiB; the longest unused goes first. Any thread.
 */
final class SnapshotCache {
  static final int MAX_ENTRIES = 2 * DirectorySnapshot.WINDOW;

  /** A directory that fits one page is read faster than looked up. */
  private static final int SMALLEST = 1000;

  /**
   * Before Linux 6.13 a directory's times move in steps of up to 10 ms: one that changed so
   * recently may change again under the same time.
   */
  private static final long STEP_NANOS = 20_000_000L;

  private final InstantSource clock;
  private final int window;

  @GuardedBy("this")
  private final Map<Long, DirectorySnapshot> snapshots = new LinkedHashMap<>(16, 0.75f, true);

  @GuardedBy("this")
  private int entries;

  SnapshotCache(InstantSource clock, int window) {
    this.clock = clock;
    this.window = window;
  }

  /** Entries from a lower bound on. */
  DirectorySnapshot get(Descriptors descriptors, List<Directory> directories, String from)
      throws ErrnoException {
    List<Identity> identity = new ArrayList<>();
    for (Directory directory : directories) {
      identity.add(DirectorySnapshot.identity(directory.fd()));
    }
    DirectorySnapshot known = find(identity, from);
    if (known != null) {
      return known;
    }
    long nowNanos = clock.millis() * 1_000_000L;
    DirectorySnapshot read = DirectorySnapshot.read(descriptors, directories, from, window);
    boolean settled =
        read.identity().stream()
            .allMatch(i -> Math.max(i.mtimeNanos(), i.ctimeNanos()) < nowNanos - STEP_NANOS);
    if (settled && read.cacheable() && read.entries().size() > SMALLEST) {
      keep(read);
    }
    return read;
  }

  private synchronized @Nullable DirectorySnapshot find(List<Identity> identity, String from) {
    DirectorySnapshot known = snapshots.get(identity.getFirst().ino());
    boolean covers =
        known != null
            && known.identity().equals(identity)
            && Keys.ORDER.compare(known.from(), from) <= 0
            && (known.complete()
                || Keys.ORDER.compare(from, known.entries().getLast().sortName()) <= 0);
    return covers ? known : null;
  }

  private synchronized void keep(DirectorySnapshot snapshot) {
    DirectorySnapshot before = snapshots.put(snapshot.identity().getFirst().ino(), snapshot);
    entries += snapshot.entries().size() - (before == null ? 0 : before.entries().size());
    var oldest = snapshots.entrySet().iterator();
    while (entries > MAX_ENTRIES && oldest.hasNext()) {
      entries -= oldest.next().getValue().entries().size();
      oldest.remove();
    }
  }
}
