package io.tiermount.fs.cache;

import io.tiermount.backends.StoreException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;

/**
 * One content (an object's version) opened in the cache, shared by all that have it open: each
 * {@code BlockCache.open} is matched by one {@link #close}. Safe from any number of threads.
 */
public interface CachedFile extends ReadableFile {
  /** The content's own number; never used again for another content. */
  long contentId();

  @Override
  long sizeBytes();

  /**
   * True where the bytes are present, as far as the books know: {@link #readCached} may still find
   * them damaged or gone. Touches no disk.
   */
  @Override
  boolean isCached(long offsetBytes, int sizeBytes);

  /**
   * Reads without ever waiting on the store: all of {@code target} (which must lie within the
   * content) or nothing. The chunks touched are verified as {@code storage.cache.verify} says; a
   * bad one is dropped, counted and reported as absent.
   *
   * @return false where a chunk is absent; {@code target} is then undefined
   */
  @Override
  boolean readCached(long offsetBytes, MemorySegment target);

  /**
   * Reads, fetching what is absent: one fetch however many wait for it. Blocks; virtual threads.
   * Returns as soon as the bytes asked for are there, not when the whole block is.
   *
   * @param random fetch only the chunks asked for instead of whole blocks
   * @throws StoreException as the source says; also after a full cache disk only where the store
   *     itself fails
   */
  @Override
  void read(long offsetBytes, MemorySegment target, boolean random) throws StoreException;

  /**
   * Starts fetching the absent blocks of a range in the background, in one GET per run of absent
   * blocks of at most one block each; returns at once. Failures are forgotten.
   */
  @Override
  void prefetch(long offsetBytes, long lengthBytes);

  /** True where every chunk is present. */
  boolean isWhole();

  /**
   * Readies the data file for the kernel to read by itself: whole, and verified once since the file
   * last changed and since boot (stamp: size, ctime, boot id). From here on the file is evicted by
   * unlink only, never punched.
   *
   * @return an open descriptor, which the caller closes with {@code LibC.close}; -1 where the file
   *     is not whole, is damaged (damaged chunks are dropped), or is larger than {@code
   *     maxVerifyBytes} and not yet verified (a background verification is then started)
   */
  int backingFile(long maxVerifyBytes) throws IOException;

  /** Gives this opening back. */
  @Override
  void close();
}
