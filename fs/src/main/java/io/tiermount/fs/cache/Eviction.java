package io.tiermount.fs.cache;

import io.tiermount.fs.cache.BlockIndex.Ledger;
import io.tiermount.fs.cache.BlockIndex.Queued;
import io.tiermount.fs.cache.Extent.Place;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Makes room: S3-FIFO (Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023).
 * What comes in stands in the small queue, a tenth of the cache; what is used again while there
 * goes to the main queue, the rest leaves. The main queue's head leaves or, where it was used, goes
 * to the tail. The queues are key ranges of the index, so nothing is read at start and memory does
 * not grow with the cache.
 *
 * <p>Extents are punched out of their files. A file that the kernel ever had for itself is never
 * punched: it goes whole, by unlink, and only when nobody has it open or mapped, since otherwise
 * that would free nothing.
 */
final class Eviction {
  /** The frequency of a whole file, as opposed to one of its extents. */
  static final int WHOLE_FILE = -1;

  private static final int SMALL_PARTS = 10;

  /** What one reservation or one turn of cleaning looks at before it gives way. */
  private static final int MAX_STEPS = 512;

  /** After a vain search, others are not made for this long. */
  private static final long PAUSE_MILLIS = 50;

  private final Parts parts;
  private final Contents contents;
  private final Ghosts ghosts;
  private final Clock clock;
  private volatile int marginPercent;
  private final Runnable wakeJanitor;

  private final ConcurrentHashMap<Long, Search> searches = new ConcurrentHashMap<>();

  /**
   * Where a directory's search stands; guarded by the directory's evicting lock but for volatile.
   */
  private static final class Search {
    final long[] hints = new long[Place.MAIN + 1];
    volatile long pausedUntilMillis;
    volatile boolean wanted;
  }

  Eviction(
      Parts parts,
      Contents contents,
      Ghosts ghosts,
      Clock clock,
      int marginPercent,
      Runnable wakeJanitor) {
    this.parts = parts;
    this.contents = contents;
    this.ghosts = ghosts;
    this.clock = clock;
    this.marginPercent = marginPercent;
    this.wakeJanitor = wakeJanitor;
  }

  void margin(int percent) {
    marginPercent = percent;
  }

  /** Reserves room, making it where it must; false where nothing can be evicted. */
  boolean reserve(CacheDirectory directory, long bytes) {
    if (directory.tryReserve(bytes)) {
      return true;
    }
    Search search = search(directory);
    search.wanted = true;
    wakeJanitor.run();
    if (directory.files().isBlocked() || clock.millis() < search.pausedUntilMillis) {
      return false;
    }
    directory.evicting.lock();
    try {
      for (int step = 0; step < MAX_STEPS; step++) {
        if (directory.tryReserve(bytes)) {
          return true;
        }
        if (!step(directory, search)) {
          break;
        }
      }
      if (directory.tryReserve(bytes)) {
        return true;
      }
      search.pausedUntilMillis = clock.millis() + PAUSE_MILLIS;
      return false;
    } finally {
      directory.evicting.unlock();
    }
  }

  /** True while a directory takes nothing. */
  boolean isFull(CacheDirectory directory) {
    return directory.files().isBlocked() || clock.millis() < search(directory).pausedUntilMillis;
  }

  /** Where the ceiling was met: goes the margin below it, in turns that let others in between. */
  void clean(List<CacheDirectory> directories) {
    for (CacheDirectory directory : directories) {
      Search search = search(directory);
      if (!search.wanted && directory.excess(0, 0) == 0) {
        continue;
      }
      search.wanted = false;
      // Each turn may find only extents that deserve another round: four rounds and all are out.
      int vain = 0;
      while (vain < 4 && directory.excess(0, marginPercent) > 0) {
        // Not the total: what writers take meanwhile says nothing of what was evicted.
        long before = directory.ledger().usedBytes();
        if (!turn(directory, search)) {
          break;
        }
        vain = directory.ledger().usedBytes() < before ? 0 : vain + 1;
      }
    }
  }

  private boolean turn(CacheDirectory directory, Search search) {
    for (int step = 0; step < MAX_STEPS; step++) {
      directory.evicting.lock();
      try {
        if (!step(directory, search)) {
          return false;
        }
      } finally {
        directory.evicting.unlock();
      }
      if (directory.excess(0, marginPercent) == 0) {
        return true;
      }
    }
    return true;
  }

  private Search search(CacheDirectory directory) {
    return searches.computeIfAbsent(directory.id(), _ -> new Search());
  }

  /** Looks at one extent; false where there is none, or the index fails. */
  private boolean step(CacheDirectory directory, Search search) {
    try {
      Queued head = head(directory, search);
      if (head == null) {
        return false;
      }
      Content content = contents.acquire(head.contentId());
      if (content == null) {
        parts
            .index()
            .change(change -> {
              change.dequeue(directory.id(), head.place());
              change.removeExtent(head.contentId(), head.extent());
            });
        return true;
      }
      try {
        if (content.record().passthrough()) {
          evictWhole(content, head);
        } else {
          evictExtent(content, head);
        }
      } finally {
        contents.release(content);
      }
      return true;
    } catch (IOException e) {
      parts.trouble().note("making room in " + directory.path(), e);
      return false;
    }
  }

  private @Nullable Queued head(CacheDirectory directory, Search search) throws IOException {
    Ledger ledger = directory.ledger();
    boolean small = ledger.smallBytes() > ledger.usedBytes() / SMALL_PARTS;
    Queued head = head(directory, search, small ? Place.SMALL : Place.MAIN);
    return head != null ? head : head(directory, search, small ? Place.MAIN : Place.SMALL);
  }

  private @Nullable Queued head(CacheDirectory directory, Search search, byte queue)
      throws IOException {
    // From where the last one stood: what left before it is a row of deletion marks.
    Queued head = parts.index().head(directory.id(), queue, search.hints[queue]);
    if (head != null) {
      search.hints[queue] = head.place().position();
    }
    return head;
  }

  private void evictExtent(Content content, Queued head) throws IOException {
    content.lock.lock();
    try {
      int number = head.extent();
      if (!content.isIndexed() || !content.loaded(number).place().equals(head.place())) {
        parts.index().change(c -> c.dequeue(content.directory().id(), head.place()));
        return;
      }
      if (content.record().passthrough()) {
        return; // Became so this moment.
      }
      if (content.isBusy(number)) {
        content.requeue(number, head.place().queue());
        return;
      }
      if (staysFor(content.id(), number, head)) {
        content.requeue(number, Place.MAIN);
        return;
      }
      long bytes = content.empty(number);
      parts.counters().evictedExtents.increment();
      parts.counters().evictedBytes.add(bytes);
      if (head.place().queue() == Place.SMALL) {
        ghosts.add(content.key(), number);
      }
    } finally {
      content.lock.unlock();
    }
  }

  /** S3-FIFO's question; an extent of the main queue pays for its stay. */
  private boolean staysFor(long contentId, int extent, Queued head) {
    boolean used = parts.frequency().get(contentId, extent) > 0;
    if (used && head.place().queue() == Place.MAIN) {
      parts.frequency().decrement(contentId, extent);
    } else if (used) {
      parts.frequency().reset(contentId, extent);
    }
    return used;
  }

  private void evictWhole(Content content, Queued head) throws IOException {
    ReentrantLock key = contents.lock(content.key());
    key.lock();
    content.lock.lock();
    try {
      if (!content.isIndexed()) {
        return;
      }
      CacheDirectory directory = content.directory();
      boolean mayGo = content.handles == 0 && !content.isStoring();
      if (!mayGo || content.isInUse()) {
        content.requeue(head.extent(), head.place().queue());
        return;
      }
      if (parts.frequency().get(content.id(), WHOLE_FILE) > 0) {
        // All its extents are asked one by one, in the order they came: the last one pays for all.
        if (head.extent() == Chunks.extents(content.sizeBytes()) - 1) {
          staysFor(content.id(), WHOLE_FILE, head);
        }
        content.requeue(head.extent(), Place.MAIN);
        return;
      }
      int extents = content.record().extents();
      directory.files().delete(content.id());
      parts.counters().evictedBytes.add(content.forgetAll(directory));
      parts.counters().evictedExtents.add(extents);
    } finally {
      content.lock.unlock();
      key.unlock();
    }
  }

  /**
   * The content leaves for good: who has it open keeps one without a file. With its key's lock
   * held.
   *
   * @return the bytes that left the cache
   */
  long expel(Content content) throws IOException {
    content.lock.lock();
    try {
      long bytes = 0;
      if (content.isKept() && content.isIndexed()) {
        CacheDirectory directory = content.directory();
        boolean ours = content.handles > 0 || content.isStoring();
        if (content.record().passthrough() && (ours || content.isInUse())) {
          Path file = directory.files().path(content.id());
          long staged = DataFiles.allocatedBytes(file);
          bytes = content.forgetAll(directory, staged);
          directory.holdBack(file, staged);
        } else {
          directory.files().delete(content.id());
          bytes = content.forgetAll(directory);
        }
      } else if (content.isKept()) {
        // All of it was evicted before: an empty file may be there.
        content.directory().files().delete(content.id());
      }
      content.detach();
      contents.remove(content);
      return bytes;
    } finally {
      content.lock.unlock();
    }
  }

  /** Takes a content out of the cache whatever its use; the bytes that left the cache. */
  long evict(Content content) throws IOException {
    ReentrantLock key = contents.lock(content.key());
    key.lock();
    content.lock.lock();
    try {
      if (!content.isKept() || !content.isIndexed()) {
        return 0;
      }
      CacheDirectory directory = content.directory();
      boolean ours = content.handles > 0 || content.isStoring();
      if (content.record().passthrough() && (ours || content.isInUse())) {
        return expel(content);
      }
      if (content.record().passthrough() || !ours) {
        content.closeFile();
        directory.files().delete(content.id());
        return content.forgetAll(directory);
      }
      long bytes = 0;
      for (int number = 0; number < Chunks.extents(content.sizeBytes()); number++) {
        if (content.loaded(number).allocated() != 0 && !content.isBusy(number)) {
          bytes += content.empty(number);
        }
      }
      return bytes;
    } finally {
      content.lock.unlock();
      key.unlock();
    }
  }
}
