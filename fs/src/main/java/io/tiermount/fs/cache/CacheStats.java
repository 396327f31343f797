package io.tiermount.fs.cache;

import java.nio.file.Path;
import java.util.List;

/**
 * The cache at one moment; counters since the start.
 *
 * @param openContents contents somebody has open
 * @param badChunks chunks whose bytes were not what their checksum says; dropped
 * @param lostFiles data files found missing or of another length
 * @param notKeptBytes fetched but not kept, for want of room
 * @param troubles errors of the cache's disk or index
 * @param indexDropped the index was found damaged at start and begun anew
 */
public record CacheStats(
    List<Directory> directories,
    long openContents,
    long hitRequests,
    long hitBytes,
    long missRequests,
    long missBytes,
    long fetches,
    long fetchedBytes,
    long failedFetches,
    long notKeptBytes,
    long evictedExtents,
    long evictedBytes,
    long badChunks,
    long lostFiles,
    long troubles,
    boolean indexDropped) {

  /**
   * One disk.
   *
   * @param usedBytes everything that counts against the ceiling
   * @param maxBytes {@link Long#MAX_VALUE} for no ceiling
   * @param heldBytes of the used: can't be evicted now (open in passthrough, mapped, or unlinked
   *     but still in use)
   * @param stagedBytes of the used: files of writers, which are never evicted
   * @param full nothing more is kept there at the moment
   */
  public record Directory(
      Path path,
      long usedBytes,
      long maxBytes,
      long heldBytes,
      long stagedBytes,
      long freeBytes,
      long freeInodes,
      boolean full) {
    public long evictableBytes() {
      return Math.max(0, usedBytes - heldBytes - stagedBytes);
    }
  }

  public CacheStats {
    directories = List.copyOf(directories);
  }

  public long usedBytes() {
    return directories.stream().mapToLong(Directory::usedBytes).sum();
  }

  /** {@link Long#MAX_VALUE} where one directory has no ceiling. */
  public long maxBytes() {
    long sum = 0;
    for (Directory directory : directories) {
      if (directory.maxBytes() == Long.MAX_VALUE) {
        return Long.MAX_VALUE;
      }
      sum += directory.maxBytes();
    }
    return sum;
  }

  public long heldBytes() {
    return directories.stream().mapToLong(Directory::heldBytes).sum();
  }

  public long stagedBytes() {
    return directories.stream().mapToLong(Directory::stagedBytes).sum();
  }

  public long evictableBytes() {
    return directories.stream().mapToLong(Directory::evictableBytes).sum();
  }
}
