package io.tiermount.fs.cache;

import io.tiermount.fs.meta.MetaException;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * The extents of one content that are in memory. Read without a lock, changed under the content's
 * lock only.
 */
final class ExtentTable {
  private final Parts parts;
  private final AtomicReferenceArray<@Nullable Extent> extents;
  private long generations;

  ExtentTable(Parts parts, int count) {
    this.parts = parts;
    extents = new AtomicReferenceArray<>(count);
  }

  int length() {
    return extents.length();
  }

  /** Null where it is not in memory. */
  @Nullable Extent get(int number) {
    return extents.get(number);
  }

  long nextGeneration() {
    return ++generations;
  }

  void set(int number, Extent extent) {
    if (extents.getAndSet(number, extent) == null) {
      parts.counters().loadedExtents.increment();
    }
  }

  /**
   * Reads it from the index where it is not in memory.
   *
   * @param indexed false where the index has nothing of the content
   */
  Extent load(long contentId, int number, boolean indexed) throws MetaException {
    Extent extent = extents.get(number);
    if (extent == null) {
      long generation = nextGeneration();
      extent = indexed ? parts.index().extent(contentId, number, generation) : null;
      if (extent == null) {
        extent = Extent.empty(generation);
      }
      set(number, extent);
    }
    return extent;
  }

  /** The content has nothing any more. */
  void clear() {
    for (int i = 0; i < extents.length(); i++) {
      if (extents.get(i) != null) {
        extents.set(i, Extent.empty(nextGeneration()));
      }
    }
  }

  void unload() {
    for (int i = 0; i < extents.length(); i++) {
      if (extents.getAndSet(i, null) != null) {
        parts.counters().loadedExtents.decrement();
      }
    }
  }
}
