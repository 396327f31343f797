package io.tiermount.fs;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.tiermount.backends.Version;
import io.tiermount.fs.tree.FileHandle;
import io.tiermount.fs.tree.Node;
import io.tiermount.fs.volume.Facts;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Files that are read without having been opened ({@code fuse.open = skip}: the kernel sends
 * neither OPEN nor RELEASE). The {@value #KEPT} used last stay open; one that has to go is closed
 * when the last READ of it is answered. Safe from any thread.
 */
final class ImplicitOpens implements AutoCloseable {
  private static final int KEPT = 4_096;

  private record Key(long nodeId, @Nullable Version version) {}

  /** Opens a file that is not open. */
  interface Opener {
    FileHandle open() throws IOException;
  }

  private final Cache<Key, Entry> entries =
      Caffeine.newBuilder()
          .maximumSize(KEPT)
          .<Key, Entry>evictionListener((key, entry, cause) -> {
            if (entry != null) {
              entry.release();
            }
          })
          .build();

  /** The right to use a handle until closed. */
  record Lease(FileHandle handle, Runnable release) implements AutoCloseable {
    @Override
    public void close() {
      release.run();
    }
  }

  Lease acquire(Node node, Facts facts, Opener opener) throws IOException {
    Key key = new Key(node.id(), facts.version());
    while (true) {
      Entry entry = entries.getIfPresent(key);
      if (entry == null) {
        Entry mine = new Entry(opener.open());
        entry = entries.asMap().putIfAbsent(key, mine);
        if (entry == null) {
          entry = mine;
        } else {
          mine.release();
        }
      }
      if (entry.retain()) {
        return new Lease(entry.handle, entry::release);
      }
    }
  }

  @Override
  public void close() {
    for (Key key : entries.asMap().keySet()) {
      Entry entry = entries.asMap().remove(key);
      if (entry != null) {
        entry.release();
      }
    }
  }

  /** Counts its users and the cache itself; closed at zero. */
  private static final class Entry {
    private final FileHandle handle;
    private final AtomicInteger uses = new AtomicInteger(1);

    private Entry(FileHandle handle) {
      this.handle = handle;
    }

    private boolean retain() {
      return uses.getAndUpdate(n -> n == 0 ? 0 : n + 1) > 0;
    }

    private void release() {
      if (uses.decrementAndGet() == 0) {
        handle.close();
      }
    }
  }
}
