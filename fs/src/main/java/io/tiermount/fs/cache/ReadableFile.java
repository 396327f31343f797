package io.tiermount.fs.cache;

import io.tiermount.backends.StoreException;
import java.lang.foreign.MemorySegment;

/**
 * Bytes that somebody has open: a version of an object, or what is being written on this node. Safe
 * from any number of threads.
 */
public interface ReadableFile extends AutoCloseable {
  /** Its length now. */
  long sizeBytes();

  /** True where {@link #readCached} would very likely succeed. Touches no disk. */
  boolean isCached(long offsetBytes, int sizeBytes);

  /**
   * Reads without ever waiting on a store: all of {@code target}, or nothing.
   *
   * @return false where bytes are absent; {@code target} is then undefined
   */
  boolean readCached(long offsetBytes, MemorySegment target);

  /**
   * Reads, fetching what is absent. Blocks; virtual threads.
   *
   * @param random fetch only what is asked for instead of whole blocks
   */
  void read(long offsetBytes, MemorySegment target, boolean random) throws StoreException;

  /** Starts fetching a range in the background; returns at once. Failures are forgotten. */
  void prefetch(long offsetBytes, long lengthBytes);

  /** Gives this opening back. */
  @Override
  void close();
}
